package send

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// attempt makes the one request, on a claim unless there is no ledger, and settles the claim.
func (d *delivery) attempt(ctx context.Context, claim *ledger.Claim, entry unsettled) (schema.MessageInteraction, error) {
	sending, cancel := context.WithDeadline(ctx, deadlineOf(ctx).Add(-d.reserve()))
	defer cancel()
	if claim == nil {
		sending = ctx
	}
	// After the request, a caller who has gone cannot stop the bookkeeping about something that happened.
	after, stop := context.WithDeadline(context.WithoutCancel(ctx), deadlineOf(ctx))
	defer stop()
	answered := false
	defer func() { // a panic on the way: nobody knows, and the claim must not stand until this process ends
		if !answered && claim != nil {
			_ = d.settle(after, claim, ledger.Settlement{State: ledger.Unknown, Code: string(tools.CodeInternal)})
		}
	}()
	created, err := d.Client.CreateMessageInteraction(sending, d.request, func(ctx context.Context, _ int) error {
		if claim == nil {
			return nil
		}
		// The waits are over, and the request begins now.
		entry = unsettled{ledger.Entry{ID: entry.ID, UpstreamBegun: d.clock.Now()}, time.Now()}
		return claim.Stands(ctx)
	})
	answered = true
	switch {
	case claim == nil && err == nil:
		return d.accepted(created), nil
	case claim == nil:
		return failed(fromClient(err))
	case err == nil:
		d.clock.Set(created.Date)
		return d.settleSent(after, claim, created), nil
	default:
		return d.settleUnsent(after, claim, entry, err)
	}
}

// settleSent records a message that went out. When that fails, the answer is the receipt all the same, with a warning.
func (d *delivery) settleSent(ctx context.Context, claim *ledger.Claim, created *twilio.Created) schema.MessageInteraction {
	settlement := ledger.Settlement{State: ledger.Sent, Code: string(tools.CodeSent), RequestID: created.RequestID}
	if created.Unreadable == nil {
		settlement.Receipt = stored(created.Interaction)
	}
	if created.Interaction.Sid != nil {
		settlement.Sid = created.Interaction.Sid.String()
	}
	err := d.settle(ctx, claim, settlement)
	if errors.Is(err, ledger.ErrSidKnown) { // the receipt is that of the entry which has the SID
		created.Disown("sid")
		settlement.Sid, settlement.Receipt = "", nil
		err = d.settle(ctx, claim, settlement)
	}
	d.strays.Add(created.Stray, d.clock.Now())
	receipt := d.accepted(created)
	d.call.Outcome.LedgerID = claim.ID.String()
	if err != nil {
		d.call.Note("Warning: the message was sent, but this server could not record that. Do not send it again; until a person looks, a repeat may be answered with \"outcome unknown\".")
	}
	return receipt
}

// settleUnsent records a message that did not go out, or whose outcome is unknown; that one it looks for.
func (d *delivery) settleUnsent(ctx context.Context, claim *ledger.Claim, entry unsettled, err error) (schema.MessageInteraction, error) {
	failure := fromClient(err)
	if errors.Is(err, ledger.ErrClaimLost) {
		failure = claimLost()
	} else if unavailable := (*ledger.UnavailableError)(nil); errors.As(err, &unavailable) {
		failure = d.unrecorded(ctx, err)
	}
	if unknown, ok := errors.AsType[*twilio.OutcomeUnknownError](err); ok {
		d.clock.Set(unknown.Date)
		entry.UpstreamBegun = d.upstreamBegun(entry)
	}
	failure.Outcome.LedgerID = claim.ID.String()
	settlement := ledger.Settlement{State: stateOf(failure.Outcome), Code: string(failure.Outcome.Code), RequestID: failure.Outcome.RequestID, UpstreamBegun: entry.UpstreamBegun}
	err = d.settle(ctx, claim, settlement)
	if settlement.State != ledger.Unknown || err != nil { // with an error the entry still stands as claimed, and could not be reconciled
		return failed(failure)
	}
	receipt, err := d.reconciled(ctx, entry, failure)
	if known := d.upstreamBegun(entry); err != nil && known.After(settlement.UpstreamBegun) {
		// The look told more of Twilio's clock, perhaps the first of it. Whoever looks later shall know as much, and not
		// have to trust the clock of this machine.
		settlement.UpstreamBegun = known
		_ = d.settle(ctx, claim, settlement)
	}
	return receipt, err
}

func stateOf(o tools.Outcome) ledger.State {
	switch {
	case o.Sent == tools.SentUnknown:
		return ledger.Unknown
	case o.Code == tools.CodeRefused:
		return ledger.Refused
	default:
		return ledger.NotSent
	}
}

// settle logs what it returns.
func (d *delivery) settle(ctx context.Context, claim *ledger.Claim, settlement ledger.Settlement) error {
	err := claim.Settle(ctx, settlement)
	if err != nil {
		d.Log.ErrorContext(ctx, "the ledger could not be settled", "ledger_id", claim.ID.String(), "state", settlement.State, "error", err)
	}
	return err
}

// stored encodes a receipt for the ledger, without data, which is the message itself.
func stored(receipt schema.MessageInteraction) json.RawMessage {
	receipt.Data = nil
	encoded, _ := json.Marshal(receipt) // strings always encode
	return encoded
}

// unsettled is an entry with the local time at which it was read, so that its age is known without comparing two clocks.
// Of a request of this process, Read and Begun are zero and the time is that of its beginning.
type unsettled struct {
	ledger.Entry
	at time.Time
}

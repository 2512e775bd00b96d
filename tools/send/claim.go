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

// A delivery is one call of the tool on its way.
type delivery struct {
	*Sender
	call    *tools.Call
	request schema.CreateMessageInteraction
}

// claim asks the ledger for the right to send, once it is this call's turn. A Failure says why it could not be asked. A
// repeat needs no turn, and waits for the first call until long after a new send must have begun. So without a turn, the
// ledger is asked first whether this is one: "try later, nothing was sent" would mislead about a message that went out.
func (d *delivery) claim(ctx context.Context) (ledger.Decision, *tools.Failure) {
	intent := d.intent(d.lastStart(ctx))
	ctx, stop := context.WithDeadline(ctx, deadlineOf(ctx).Add(-d.reserve()/2))
	defer stop()
	noTurn := d.Client.WaitToSend(ctx, d.request.ServiceSid, time.Now())
	if errors.Is(noTurn, twilio.ErrNoTurn) {
		leave, alone := d.Client.Alone(ctx, intent.Scope.Caller+intent.Participant+string(intent.Content)+intent.Key)
		if !alone {
			return ledger.Decision{}, d.unrecorded(ctx, ledger.ErrInProgress)
		}
		defer leave()
		past, err := d.Ledger.Known(ctx, intent)
		if err != nil || past.Verdict != 0 {
			return past, d.unrecorded(ctx, err)
		}
		noTurn = d.Client.WaitToSend(ctx, d.request.ServiceSid, intent.Until)
	}
	if noTurn != nil {
		return ledger.Decision{}, noTurnFailure(noTurn)
	}
	decision, err := d.Ledger.Claim(ctx, intent)
	return decision, d.unrecorded(ctx, err)
}

// lastStart is the latest time at which a request may begin, so that it can be recorded and looked for.
func (d *delivery) lastStart(ctx context.Context) time.Time {
	return deadlineOf(ctx).Add(-2 * d.reserve())
}

// intent is what the ledger compares. Two messages are the same when their Body and MediaUrl are; Twilio's list of
// interactions shows the Body alone.
func (d *delivery) intent(until time.Time) ledger.Intent {
	content, _ := json.Marshal(map[string]any{"Body": d.request.Body, "MediaUrl": append([]string{}, d.request.MediaUrl...)}) // strings always encode
	return ledger.Intent{
		Scope:         ledger.Scope{Account: d.Account, Host: d.Host, Caller: d.call.Caller},
		Service:       d.request.ServiceSid.String(),
		Session:       d.request.SessionSid.String(),
		Participant:   d.request.ParticipantSid.String(),
		Content:       content,
		Listed:        []byte(schema.ComparableText(d.request.Body)), // as the look compares it
		Key:           d.call.IdempotencyKey,
		Window:        d.DuplicateWindow,
		Until:         until,
		Limits:        d.Limits,
		UpstreamBegun: d.clock.Now,
	}
}

// unrecorded logs why the ledger could not be used and is the Failure that says so; nil when there is no error.
func (d *delivery) unrecorded(ctx context.Context, err error) *tools.Failure {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled) && !errors.Is(err, ledger.ErrInProgress):
		return noTurnFailure(ctx.Err())
	}
	d.Log.ErrorContext(ctx, "the ledger cannot be used", "error", err)
	return notRecorded(err)
}

package tools

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// maxReserve is the part of a call's deadline that is kept for each step that
// follows: a send is given up unanswered while there is still time to record
// that and to look for the message. It is no more than a fifth of the
// deadline; both are chosen.
const maxReserve = 8 * time.Second

func (t *Tools) reserve() time.Duration { return min(maxReserve, t.Deadline/5) }

// A send is one call of the tool on its way: wait for the rate, claim, send,
// settle, and look for the message when nobody knows.
type send struct {
	tools   *Tools
	request schema.CreateMessageInteraction
	meta    Meta
	line    *Line
}

func (s *send) run(caller context.Context) result {
	deadline := time.Now().Add(s.tools.Deadline)
	ctx, cancel := context.WithDeadline(caller, deadline)
	defer cancel()
	lastBegin := deadline.Add(-2 * s.tools.reserve())
	if s.tools.Ledger == nil {
		if err := s.tools.rate.wait(ctx, s.request.ServiceSid.String(), lastBegin); err != nil {
			return rateLimited(err)
		}
		created, err := s.tools.Client.CreateMessageInteraction(ctx, s.request, s.turns())
		if err != nil {
			return fromClient(err)
		}
		return accepted(s.request, created, s.line)
	}
	decision, refusal := s.decide(ctx, lastBegin)
	if refusal != nil {
		return *refusal
	}
	s.line.add(slog.Int64("ledger_id", decision.Entry.ID))
	switch decision.Verdict {
	case ledger.Granted:
		return s.attempt(ctx, decision.Claim, begun{decision.Entry, time.Now()})
	case ledger.Replay:
		return s.replayed(decision.Entry)
	case ledger.Unresolved:
		return s.unresolved(ctx, decision.Entry)
	case ledger.Conflict:
		return conflict(decision.Entry)
	default:
		return overLimit(decision)
	}
}

// decide asks the ledger to send, when it is this call's turn; a refusal is the answer when it could not be asked. A
// repeat needs no turn: when there is none at once, the ledger is asked first whether this is one, as "try later, nothing
// was sent" would mislead about a message that went out.
func (s *send) decide(ctx context.Context, lastBegin time.Time) (decision ledger.Decision, refusal *result) {
	ctx, stop := context.WithDeadline(ctx, lastBegin)
	defer stop()
	refuse := func(r result) (ledger.Decision, *result) { return ledger.Decision{}, &r }
	service := s.request.ServiceSid.String()
	noTurn := s.tools.rate.wait(ctx, service, time.Now())
	if errors.Is(noTurn, errRateWait) {
		known, err := s.tools.Ledger.Known(ctx, s.intent(ctx))
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			return refuse(rateLimited(ctx.Err()))
		}
		if err != nil {
			return refuse(s.notRecorded(ctx, err))
		}
		if known.Verdict != 0 && known.Verdict != ledger.InProgress {
			return known, nil
		}
		noTurn = s.tools.rate.wait(ctx, service, lastBegin)
		if noTurn != nil && known.Verdict == ledger.InProgress {
			return refuse(s.notRecorded(ctx, ledger.ErrInProgress))
		}
	}
	if noTurn != nil {
		return refuse(rateLimited(noTurn))
	}
	decision, err := s.tools.Ledger.Claim(ctx, s.intent(ctx))
	if err != nil {
		return refuse(s.notRecorded(ctx, err))
	}
	return decision, nil
}

// turns waits for the turn of each try but the first, whose turn was taken
// before the claim.
func (s *send) turns() func(ctx context.Context, tries int) error {
	had := 0
	return func(ctx context.Context, tries int) error {
		if tries == had {
			return nil
		}
		had = tries
		latest, _ := ctx.Deadline()
		return s.tools.rate.wait(ctx, s.request.ServiceSid.String(), latest)
	}
}

func (s *send) notRecorded(ctx context.Context, err error) result {
	s.tools.Log.ErrorContext(ctx, "the ledger cannot be used", "error", err)
	return notRecorded(err)
}

func (s *send) intent(ctx context.Context) ledger.Intent {
	content, listed := canonical(s.request)
	return ledger.Intent{
		Scope:         s.tools.scope(ctx),
		Service:       s.request.ServiceSid.String(),
		Session:       s.request.SessionSid.String(),
		Participant:   s.request.ParticipantSid.String(),
		Content:       content,
		Listed:        listed,
		Key:           s.meta.IdempotencyKey,
		Window:        s.tools.DuplicateWindow,
		Limits:        s.tools.Limits,
		UpstreamBegun: s.tools.clock.now,
	}
}

// canonical gives the bytes by which two messages are the same, and the part
// of them that Twilio's list of interactions shows.
func canonical(r schema.CreateMessageInteraction) (content, listed []byte) {
	content, _ = json.Marshal(map[string]any{"Body": r.Body, "MediaUrl": append([]string{}, r.MediaUrl...)}) // strings always encode
	return content, []byte(r.Body)
}

// attempt sends on a claim and settles it.
func (s *send) attempt(ctx context.Context, claim *ledger.Claim, entry begun) result {
	sending, cancel := context.WithDeadline(ctx, deadlineOf(ctx).Add(-s.tools.reserve()))
	defer cancel()
	// What follows the send is bookkeeping about something that happened: a
	// caller who has gone cannot stop it.
	after, stop := context.WithDeadline(context.WithoutCancel(ctx), deadlineOf(ctx))
	defer stop()
	created, err := s.create(sending, after, claim, &entry)
	if err == nil {
		s.tools.clock.set(created.Date)
		return s.settleSent(after, claim, created)
	}
	r := fromClient(err)
	if errors.Is(err, ledger.ErrClaimLost) {
		r = claimLost()
	} else if unavailable := (*ledger.UnavailableError)(nil); errors.As(err, &unavailable) {
		s.tools.Log.ErrorContext(ctx, "the ledger cannot be used", "error", err)
		r = notRecorded(err)
	}
	if unknown, ok := errors.AsType[*twilio.OutcomeUnknownError](err); ok {
		s.tools.clock.set(unknown.Date)
		entry.UpstreamBegun = s.upstreamBegun(entry)
	}
	state := stateOf(r.outcome)
	settlement := ledger.Settlement{State: state, Code: string(r.outcome.Code), RequestID: r.outcome.RequestID, UpstreamBegun: entry.UpstreamBegun}
	settled := s.settle(after, claim, settlement)
	r.outcome.LedgerID = claim.ID
	if state != ledger.Unknown {
		return r
	}
	if settled != nil {
		return r // the entry still stands as claimed; reconciling needs it unknown
	}
	r = s.reconciled(after, entry, r)
	if known := s.upstreamBegun(entry); r.outcome.Sent == SentUnknown && known.After(settlement.UpstreamBegun) {
		// The look told more of Twilio's clock, perhaps the first of it: whoever
		// looks later shall know as much, and not have to trust ours.
		settlement.UpstreamBegun = known
		s.settle(after, claim, settlement)
	}
	return r
}

// create makes the request. A panic on the way leaves nobody knowing: the claim
// must not stand until this process ends.
func (s *send) create(sending, after context.Context, claim *ledger.Claim, entry *begun) (created *twilio.Created, err error) {
	ended := false
	defer func() {
		if !ended {
			s.settle(after, claim, ledger.Settlement{State: ledger.Unknown, Code: string(CodeInternal)})
		}
	}()
	turn := s.turns()
	created, err = s.tools.Client.CreateMessageInteraction(sending, s.request, func(ctx context.Context, tries int) error {
		if err := turn(ctx, tries); err != nil {
			return err
		}
		// The wait for the claim, and for tries before this one, is over: the
		// request begins now.
		entry.restart(s.tools.clock.now())
		return claim.Stands(ctx)
	})
	ended = true
	return created, err
}

func deadlineOf(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline() // run has set one
	return deadline
}

func stateOf(o Outcome) ledger.State {
	switch {
	case o.Sent == SentUnknown:
		return ledger.Unknown
	case o.Code == CodeRefused:
		return ledger.Refused
	default:
		return ledger.NotSent
	}
}

// settleSent records a message that went out. When that fails the answer is
// the receipt all the same, with a warning.
func (s *send) settleSent(ctx context.Context, claim *ledger.Claim, created *twilio.Created) result {
	r := accepted(s.request, created, s.line)
	r.outcome.LedgerID = claim.ID
	settlement := ledger.Settlement{State: ledger.Sent, Code: string(CodeSent), RequestID: created.RequestID, Receipt: receiptOf(created.Interaction)}
	if created.Interaction.Sid != nil {
		settlement.Sid = created.Interaction.Sid.String()
	}
	err := s.settle(ctx, claim, settlement)
	if errors.Is(err, ledger.ErrSidKnown) {
		// Twilio gave one SID to two messages. Both went out; the second is
		// remembered without it.
		settlement.Sid = ""
		err = s.settle(ctx, claim, settlement)
	}
	if err != nil {
		r.notes = append(r.notes, "Warning: the message was sent, but this server could not record that. Do not send it again; until a person looks, a repeat may be answered with \"outcome unknown\".")
	}
	return r
}

func (s *send) settle(ctx context.Context, claim *ledger.Claim, settlement ledger.Settlement) error {
	err := claim.Settle(ctx, settlement)
	if err != nil {
		s.tools.Log.ErrorContext(ctx, "the ledger could not be settled", "ledger_id", claim.ID, "state", settlement.State, "error", err)
	}
	return err
}

// receiptOf encodes a receipt for the ledger: without data, which is the
// message itself.
func receiptOf(interaction schema.MessageInteraction) json.RawMessage {
	interaction.Data = nil
	encoded, err := json.Marshal(interaction)
	if err != nil {
		return nil
	}
	return encoded
}

// Package send has the tool that sends one message, at most once.
//
// A call waits for its turn within the rate limit, claims the message in the
// ledger, makes the one request, and settles the claim with what came of it. When
// nobody can know what came of it, it looks for the message at Twilio.
package send

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// Config is what a Sender needs from its command.
type Config struct {
	// Client talks to the Proxy API or to the fake; required.
	Client *twilio.Client
	// MaxBodyLength bounds Body in characters; 0 lifts the bound. Twilio documents none for Proxy.
	MaxBodyLength int
	// Ledger remembers sends. Without one, a repeat is a second message.
	Ledger *ledger.Ledger
	// Account and Host are the scope of the ledger's entries: whose messages these are, and at which upstream.
	Account, Host string
	// DuplicateWindow is how long after a message went out the same message without an idempotency key is answered with
	// the receipt; 0 turns that off.
	DuplicateWindow time.Duration
	// Limits cap messages by the minute; the zero value caps nothing. They need the Ledger.
	Limits ledger.Limits
	// Deadline is how long one call may take; 0 is tools.DefaultDeadline. It must be the Deadline of the Tools.
	Deadline time.Duration
	// Log gets what goes wrong with the ledger; nil discards.
	Log *slog.Logger
}

// MaxDeadline is the longest Deadline, 55 seconds: a call ends before anybody may free its message in the ledger.
const MaxDeadline = ledger.SessionGrace - 5*time.Second

// A Sender sends messages. Make one with New.
type Sender struct {
	Config
	clock  twilio.Clock
	strays twilio.Strays
}

// New makes a Sender. The error is a deadline that is out of bounds.
func New(c Config) (*Sender, error) {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Deadline = cmp.Or(c.Deadline, tools.DefaultDeadline)
	if c.Deadline < 0 || c.Deadline > MaxDeadline {
		return nil, fmt.Errorf("send: a deadline of %v is not between 0 and %v", c.Deadline, MaxDeadline)
	}
	return &Sender{Config: c}, nil
}

// Name is the tool's.
const Name = "send_message_interaction"

// Definition is the tool. Its description tells a model who gets what from whom, and that it cannot be taken back.
func (s *Sender) Definition() tools.Definition[schema.CreateMessageInteraction, schema.MessageInteraction] {
	return tools.Definition[schema.CreateMessageInteraction, schema.MessageInteraction]{
		Name:  Name,
		Title: "Send a message to a Proxy participant",
		Description: `Send one text message to one participant of a masked conversation (a Twilio Proxy Session). ` +
			`The message goes to the Participant named by ParticipantSid and appears to come from that Participant's proxy number; the other participant does not get it. ` +
			`Body or MediaUrl is required; MediaUrl is reserved and not supported today, so give Body. ` +
			`A real person is texted and sending cannot be undone: call once per message, never to check something. ` +
			`If a result says the outcome is unknown, do not send again. ` +
			`A repeat of the same message within a short time is answered with the first receipt and is not sent again.`,
		Effect: tools.Texts,
		Bounds: []schema.Bound{{Argument: "Body", MaxLength: s.MaxBodyLength}},
		Run:    s.send,
	}
}

// send answers one call: with what the ledger knows already, or by sending.
func (s *Sender) send(ctx context.Context, call *tools.Call, request schema.CreateMessageInteraction) (schema.MessageInteraction, error) {
	call.Log(
		slog.String("service_sid", request.ServiceSid.String()),
		slog.String("session_sid", request.SessionSid.String()),
		slog.String("participant_sid", request.ParticipantSid.String()))
	d := &delivery{Sender: s, call: call, request: request}
	if s.Ledger == nil {
		if err := d.Client.WaitToSend(ctx, request.ServiceSid, d.lastStart(ctx)); err != nil {
			return failed(noTurnFailure(err))
		}
		return d.attempt(ctx, nil, unsettled{})
	}
	decision, refusal := d.claim(ctx)
	if refusal != nil {
		return failed(refusal)
	}
	if id := decision.Entry.ID.String(); id != "" {
		call.Log(slog.String("ledger_id", id))
	}
	switch decision.Verdict {
	case ledger.Granted:
		return d.attempt(ctx, decision.Claim, unsettled{decision.Entry, time.Now()})
	case ledger.Replay:
		return d.replayed(decision.Entry), nil
	case ledger.Unresolved:
		after, stop := context.WithDeadline(context.WithoutCancel(ctx), deadlineOf(ctx))
		defer stop()
		return d.reconciled(after, unsettled{decision.Entry, time.Now()}, stillUnknown(decision.Entry))
	case ledger.Conflict:
		return failed(conflict(decision.Entry))
	default:
		return failed(overLimit(decision))
	}
}

func failed(f *tools.Failure) (schema.MessageInteraction, error) {
	return schema.MessageInteraction{}, f
}

// maxReserve is the part of a call's deadline that is kept for each step that follows: a send is given up unanswered
// while there is still time to record that and to look for the message.
const maxReserve = 8 * time.Second

func (s *Sender) reserve() time.Duration { return min(maxReserve, s.Deadline/5) }

// deadlineOf is the call's; the adapter has set one.
func deadlineOf(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline
}

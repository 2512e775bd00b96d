package tools

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// The bounds of one look for a lost message; chosen.
const (
	reconcilePages    = 5
	reconcilePageSize = 200
)

// arrivalMargin is how long after the end of its call a request may still take
// effect at Twilio; chosen. An equal message from later is another one.
const arrivalMargin = 2 * time.Minute

// clockGrain is by how much a time in Twilio's answers may be early: its Date
// header and its date_created are both cut to whole seconds.
const clockGrain = time.Second

// unresolved answers a call whose content is blocked by an entry of which
// nobody knows: look for the message, and say what is known now.
func (s *send) unresolved(ctx context.Context, entry ledger.Entry) result {
	r := stillUnknown(entry)
	after, stop := context.WithDeadline(context.WithoutCancel(ctx), deadlineOf(ctx))
	defer stop()
	return s.reconciled(after, begun{entry, time.Now()}, r)
}

// begun is an entry with the local time at which it was read, so that its age
// is known without comparing two clocks.
type begun struct {
	ledger.Entry
	at time.Time
}

func (b begun) age() time.Duration { return b.Read.Sub(b.Begun) + time.Since(b.at) }

// restart makes this moment the beginning; upstream is Twilio's clock, if known.
func (b *begun) restart(upstream time.Time) {
	b.Read, b.Begun, b.at, b.UpstreamBegun = time.Time{}, time.Time{}, time.Now(), upstream
}

// reconciled looks for the message of an unknown entry among the session's
// interactions. It returns the receipt when there is exactly one that it must
// be, or when another call has found it meanwhile, else otherwise.
func (s *send) reconciled(ctx context.Context, entry begun, otherwise result) result {
	id := entry.ID
	otherwise.outcome.LedgerID = id
	found, err := s.look(ctx, entry)
	if err == nil && found != nil {
		err = s.tools.Ledger.Reconcile(ctx, id, ledger.Settlement{State: ledger.Sent, Code: string(CodeSent), Sid: found.Sid.String(), Receipt: receiptOf(*found)})
		if err == nil {
			return recovered(s.request, *found, id)
		}
	}
	if now, entryErr := s.tools.Ledger.Entry(ctx, id); entryErr == nil && now.State == ledger.Sent {
		return s.replayed(now)
	}
	if err != nil {
		s.tools.Log.WarnContext(ctx, "the entry could not be reconciled", "ledger_id", id, "error", err)
	}
	otherwise.notes = append(otherwise.notes, s.resolvedBy(id))
	return otherwise
}

// look reads the interactions and returns the one that is this message, or nil
// when there is none, more than one, or no telling.
func (s *send) look(ctx context.Context, entry begun) (found *schema.MessageInteraction, err error) {
	if s.request.Body == "" {
		return nil, nil // the list shows the body alone
	}
	if twin, err := s.tools.Ledger.Ambiguous(ctx, entry.ID); err != nil || twin {
		return nil, err
	}
	var (
		candidates = map[string]schema.MessageInteraction{} // by SID: a page that moves shows one twice
		since      time.Time
		more       bool
		latest     = deadlineOf(ctx).Add(-s.tools.reserve())
	)
	for page, err := range s.tools.Client.ListInteractions(ctx, twilio.ListInteractions{
		ServiceSid: s.request.ServiceSid, SessionSid: s.request.SessionSid, PageSize: reconcilePageSize, MaxPages: reconcilePages,
		Before: func(ctx context.Context) error {
			return s.tools.looks.wait(ctx, s.request.ServiceSid.String(), latest)
		},
	}) {
		if err != nil {
			return nil, err
		}
		s.tools.clock.set(page.Date)
		if since.IsZero() {
			if since = entry.upstream(page.Date); since.IsZero() {
				return nil, nil // Twilio does not say what time it is
			}
		}
		for _, interaction := range page.Interactions {
			mine, err := s.isMine(ctx, interaction, since)
			if err != nil {
				return nil, err
			}
			if mine {
				candidates[interaction.Sid.String()] = interaction
			}
		}
		more = page.More
	}
	if more || len(candidates) != 1 { // with more: an equal message could stand on a page that was not read
		return nil, nil
	}
	for _, one := range candidates {
		found = &one
	}
	return found, nil
}

// upstream is when the request was begun by Twilio's clock, at the earliest:
// as an answer before it told, else by counting back from this answer's date.
// It is zero when neither is known.
func (b begun) upstream(date time.Time) time.Time {
	switch {
	case !b.UpstreamBegun.IsZero():
		return b.UpstreamBegun.Add(-clockGrain)
	case date.IsZero():
		return time.Time{}
	default:
		return date.Add(-b.age() - clockGrain)
	}
}

// isMine holds one interaction against the message: created by a program, to
// this participant, with this body, no earlier than the request and no later
// than it can have arrived, and nobody else's.
func (s *send) isMine(ctx context.Context, i schema.MessageInteraction, since time.Time) (bool, error) {
	if i.InboundParticipantSid != nil || i.InboundResourceSid != nil {
		return false, nil // the other participant wrote it; of a created message Twilio says these are always empty
	}
	if i.Sid == nil || i.DateCreated == nil || i.Data == nil || i.OutboundParticipantSid == nil || *i.OutboundParticipantSid != s.request.ParticipantSid {
		return false, nil
	}
	var data struct {
		Body *string `json:"body"`
	}
	if json.Unmarshal([]byte(*i.Data), &data) != nil || data.Body == nil || *data.Body != s.request.Body {
		return false, nil
	}
	created, err := time.Parse(time.RFC3339, *i.DateCreated)
	if err != nil || created.Before(since) || created.After(since.Add(s.tools.Deadline+arrivalMargin)) {
		return false, nil
	}
	known, err := s.tools.Ledger.KnownSid(ctx, i.Sid.String())
	return !known, err
}

// upstreamClock is what Twilio's clock shows, from the last answer that told.
// The zero value knows nothing.
type upstreamClock struct {
	mu   sync.Mutex
	date time.Time
	read time.Time // ours, when date came
}

func (c *upstreamClock) set(date time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.date, c.read = date, time.Now()
}

// now is Twilio's clock, up to a second early, as a Date header is cut to the
// second; it is zero when no answer has told.
func (c *upstreamClock) now() time.Time { return c.at(time.Now()) }

// at is what Twilio's clock showed at a moment of ours.
func (c *upstreamClock) at(moment time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		return time.Time{}
	}
	// Of the two ways to measure, the monotonic clock stands still while a
	// machine sleeps, and the wall clock can be set. Too late a time only finds
	// nothing; too early a one could take an older message for this one.
	return c.date.Add(max(moment.Sub(c.read), moment.Round(0).Sub(c.read.Round(0))))
}

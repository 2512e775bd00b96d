package tools

import (
	"context"
	"encoding/json"
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

// unresolved answers a call whose content is blocked by an entry of which
// nobody knows: look for the message, and say what is known now.
func (s *send) unresolved(ctx context.Context, entry ledger.Entry) result {
	r := stillUnknown(entry)
	after, stop := context.WithDeadline(context.WithoutCancel(ctx), deadlineOf(ctx))
	defer stop()
	return s.reconciled(after, begun{entry, time.Now()}, r)
}

// begun is an entry with the local time at which it was read, so that its age
// is known without comparing two clocks. Of a request of this process Read and
// Begun are zero, and it was begun at that time.
type begun struct {
	ledger.Entry
	at time.Time
}

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
			if since = s.upstreamBegun(entry); since.IsZero() {
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

// upstreamBegun is when the request was begun by Twilio's clock, at the
// earliest, or zero when nobody knows. Of a request of this process, whatever
// answer told most tells; of another, what its process knew, and only else by
// counting back from now with the ledger's clock.
func (s *send) upstreamBegun(b begun) time.Time {
	began := s.tools.clock.at(b.at.Add(b.Begun.Sub(b.Read)))
	switch own := b.Begun.IsZero(); {
	case b.UpstreamBegun.IsZero(), own && began.After(b.UpstreamBegun):
		return began
	default:
		return b.UpstreamBegun
	}
}

// isMine holds one interaction against the message: created by a program, to
// this participant, with this body, no earlier than the request and no later
// than it can have arrived, and nobody else's. A time that is cut to the second
// may stand for all of that second: an equal message of another program's, from
// the same second as the request but before it, cannot be told from it.
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
	if err != nil || !created.Add(clockGrain).After(since) || created.After(since.Add(s.tools.Deadline+arrivalMargin)) {
		return false, nil
	}
	known, err := s.tools.Ledger.KnownSid(ctx, i.Sid.String())
	return !known, err
}

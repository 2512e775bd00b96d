package send

import (
	"context"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// The bounds of one look for a lost message: 500 interactions are more than a conversation has. PageSize may be larger, but
// the text about this list in Twilio's OpenAPI description says that a page has at most 100 records. It may have fewer.
const (
	maxRead  = 500
	maxPages = 20
	pageSize = 100
)

// arrivalMargin is how long after the end of its call a request may still take effect at Twilio. An equal message from
// later is another one. Our choice, as Twilio documents nothing about it: with the default deadline, a minute from the
// beginning, which is as long as gateways usually wait. The longer it is, the more equal messages of other programs fit.
const arrivalMargin = 15 * time.Second

// reconciled looks for the message of an entry whose outcome is unknown among the session's interactions. It returns the
// receipt when exactly one interaction must be the message, or when another call has found it meanwhile, and failure
// otherwise.
func (d *delivery) reconciled(ctx context.Context, entry unsettled, failure *tools.Failure) (schema.MessageInteraction, error) {
	id := entry.ID
	failure.Outcome.LedgerID = id.String()
	found, err := d.look(ctx, entry)
	if err == nil && found != nil {
		err = d.Ledger.Reconcile(ctx, id, ledger.Settlement{State: ledger.Sent, Code: string(tools.CodeSent), Sid: found.Sid.String(), Receipt: stored(*found)})
		if err == nil {
			return d.recovered(*found, id), nil
		}
	}
	if now, entryErr := d.Ledger.Entry(ctx, id); entryErr == nil && now.State == ledger.Sent {
		return d.replayed(now), nil
	}
	if err != nil {
		d.Log.WarnContext(ctx, "the entry could not be reconciled", "ledger_id", id.String(), "error", err)
	}
	d.call.Note(d.resolvedBy(id))
	return failed(failure)
}

// look reads the interactions and returns the one that is this message. It returns nil when there is none or more than
// one, and when nobody can tell.
func (d *delivery) look(ctx context.Context, entry unsettled) (found *schema.MessageInteraction, err error) {
	if schema.ComparableText(d.request.Body) == "" {
		return nil, nil // the list shows the body alone
	}
	if twin, err := d.Ledger.Ambiguous(ctx, entry.ID); err != nil || twin {
		return nil, err
	}
	var since time.Time
	more, read, matches := false, 0, 0
	paging := twilio.Paging{PageSize: pageSize, MaxPages: maxPages, LatestTurn: deadlineOf(ctx).Add(-d.reserve())}
	for page, err := range d.Client.ListInteractions(ctx, d.request.ServiceSid, d.request.SessionSid, paging) {
		if err != nil {
			return nil, err
		}
		d.clock.Set(page.Date)
		if since.IsZero() {
			if since = d.upstreamBegun(entry); since.IsZero() {
				return nil, nil // Twilio does not say what time it is
			}
		}
		for _, item := range page.Items {
			interaction := item.MessageInteraction
			mine, err := d.isMine(ctx, interaction, since)
			if err != nil {
				return nil, err
			}
			if mine && (found == nil || *found.Sid != *interaction.Sid) { // when pages move, one interaction is on two of them
				found = &interaction
				matches++
			}
		}
		more = page.More
		if read += len(page.Items); read >= maxRead {
			break
		}
	}
	if more || matches != 1 { // with more, an equal message could be on a page that was not read
		return nil, nil
	}
	return found, nil
}

// upstreamBegun is the earliest time by Twilio's clock at which the request can have begun. It is zero when nobody knows.
// For a request of this process, the answer that told most counts. For another's, what its process knew counts, and only
// without that, counting back from now with the ledger's clock.
func (d *delivery) upstreamBegun(entry unsettled) time.Time {
	began := d.clock.At(entry.at.Add(entry.Begun.Sub(entry.Read)))
	own := entry.Begun.IsZero()
	if entry.UpstreamBegun.IsZero() || own && began.After(entry.UpstreamBegun) {
		return began
	}
	return entry.UpstreamBegun
}

// isMine compares one interaction with the message: a program created it, it went to this participant with this body, no
// earlier than the request and no later than the request can have arrived, and it is no other entry's. A time that was
// cut to the second may stand for all of that second. So an equal message that another program sent within the same
// second before the request cannot be told from it, unless it came as a receipt before that.
func (d *delivery) isMine(ctx context.Context, i schema.MessageInteraction, since time.Time) (bool, error) {
	if i.InboundParticipantSid != nil || i.InboundResourceSid != nil {
		return false, nil // the other participant wrote it: Twilio leaves these empty for a message that a program created
	}
	_, hasText := i.Text()
	if i.Sid == nil || i.DateCreated == nil || !hasText || i.OutboundParticipantSid == nil || d.request.Differing(&i, nil) != nil ||
		!i.OutboundParticipantSid.Same(d.request.ParticipantSid) {
		return false, nil
	}
	created, err := time.Parse(time.RFC3339, *i.DateCreated)
	if err != nil || !created.Add(twilio.ClockGrain).After(since) || created.After(since.Add(d.Deadline+arrivalMargin)) {
		return false, nil
	}
	if d.strays.Precedes(i.Sid.String(), since) {
		return false, nil
	}
	taken, err := d.Ledger.KnownSid(ctx, i.Sid.String())
	return !taken, err
}

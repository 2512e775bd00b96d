package send

import (
	"fmt"
	"log/slog"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// accepted is the receipt of a message that Twilio took.
func (d *delivery) accepted(created *twilio.Created) schema.MessageInteraction {
	d.call.Outcome = tools.Outcome{Code: tools.CodeSent, Sent: tools.SentYes, RequestID: created.RequestID, Misfits: map[string]string{}}
	if created.Interaction.Sid != nil {
		d.call.Log(slog.String("interaction_sid", created.Interaction.Sid.String()))
	}
	for field, raw := range created.Misfits {
		d.call.Outcome.Misfits[field] = cut(string(raw), 200)
		d.call.Log(slog.String("misfit", field)) // the name, never the value
	}
	if created.Unreadable != nil {
		why := "its receipt could not be read"
		if created.Misfits != nil {
			why = "the receipt that came does not match it"
		}
		d.call.Lead("Twilio accepted the message, but " + why + ": the fields below are those known from the request. The message was sent. Do not send it again.")
		return d.complete(schema.MessageInteraction{})
	}
	return created.Interaction
}

// replayed is the receipt of a message that went out before. It is a success: an error would make a model rephrase the
// message and text the person again. The ledger has no data, which the repeated call brings along.
func (d *delivery) replayed(entry ledger.Entry) schema.MessageInteraction {
	which := "this is its receipt"
	receipt, _, err := schema.DecodeMessageInteraction(entry.Receipt)
	if err != nil { // there is none: a person resolved the entry, or Twilio's receipt was unreadable
		receipt, which = schema.MessageInteraction{}, "its receipt is not known: the fields below are those known from the request"
	}
	outcome := tools.Outcome{Code: tools.CodeSent, Sent: tools.SentYes, Replayed: true, RequestID: entry.RequestID, LedgerID: entry.ID.String()}
	// Begun is before the message went out, Settled may be much later. Both are the ledger's clock, as is its decision.
	when := "at " + entry.Begun.UTC().Format(time.RFC3339)
	if age := entry.Read.Sub(entry.Begun); age < 0 {
		when += " (the ledger's clock has been set back since)"
	} else {
		outcome.AgeSeconds = new(int64(age / time.Second))
		when = fmt.Sprintf("%d seconds ago, %s", *outcome.AgeSeconds, when)
	}
	again := "A second message with this text needs another idempotency key."
	if d.call.IdempotencyKey == "" {
		again = "The same message may be sent again on purpose now."
		if left := d.DuplicateWindow - entry.Read.Sub(entry.Settled); left > 0 {
			again = fmt.Sprintf("The same message may be sent again on purpose from %s on, in %d seconds.",
				entry.Read.Add(left).UTC().Format(time.RFC3339), seconds(left))
		}
	}
	d.call.Outcome = outcome
	d.call.Lead(fmt.Sprintf("This message already went out %s: nothing was sent again, and %s. %s", when, which, again))
	return d.complete(receipt)
}

// recovered is the receipt of a message whose answer was lost and that was found among the session's interactions.
func (d *delivery) recovered(found schema.MessageInteraction, id ledger.ID) schema.MessageInteraction {
	d.call.Outcome = tools.Outcome{Code: tools.CodeSent, Sent: tools.SentYes, Reconciled: true, LedgerID: id.String()}
	d.call.Lead("The answer to the request was lost, but the message was found in the session: it was sent, once, and this is its receipt. Do not send it again.")
	return d.complete(found)
}

// complete fills what a receipt lacks from the request: an Interaction has no participant_sid, a stored receipt has no
// data, and one that could not be read has nothing.
func (d *delivery) complete(receipt schema.MessageInteraction) schema.MessageInteraction {
	fill(&receipt.ServiceSid, d.request.ServiceSid)
	fill(&receipt.SessionSid, d.request.SessionSid)
	fill(&receipt.ParticipantSid, d.request.ParticipantSid)
	fill(&receipt.OutboundParticipantSid, d.request.ParticipantSid)
	fill(&receipt.Type, "message")
	// Twilio's example writes data so; encoding/json would write < as \u003c.
	data, err := jsonv2.Marshal(struct {
		Body string `json:"body"`
	}{d.request.Body})
	if err == nil && d.request.Body != "" {
		fill(&receipt.Data, string(data))
	}
	return receipt
}

func fill[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func cut(s string, runes int) string {
	if all := []rune(s); len(all) > runes {
		return string(all[:runes]) + "..."
	}
	return s
}

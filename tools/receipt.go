package tools

import (
	"fmt"
	"log/slog"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// accepted is the result of a message that Twilio took.
func accepted(request schema.CreateMessageInteraction, created *twilio.Created, line *Line) result {
	r := result{outcome: Outcome{Code: CodeSent, Sent: SentYes, RequestID: created.RequestID}, value: &created.Interaction}
	if created.Interaction.Sid != nil {
		line.add(slog.String("interaction_sid", created.Interaction.Sid.String()))
	}
	if created.Unreadable != nil {
		r.value = complete(schema.MessageInteraction{}, request)
		r.first = "Twilio accepted the message, but its receipt could not be read: the fields below are those known from the request. The message was sent. Do not send it again."
	}
	for field, raw := range created.Misfits {
		if r.outcome.Misfits == nil {
			r.outcome.Misfits = map[string]string{}
		}
		r.outcome.Misfits[field] = cut(string(raw), 200)
		line.add(slog.String("misfit", field)) // the name, never the value
	}
	return r
}

// replayed is the result of a call that repeats a message that went out: a
// success, because an error would make a model rephrase and text the person
// anew. The receipt is stored without data, which the repeated call knows.
func (s *send) replayed(entry ledger.Entry) result {
	receipt, _, err := schema.DecodeMessageInteraction(entry.Receipt)
	if err != nil { // a person resolved it, or Twilio's receipt was unreadable: there is none
		receipt = schema.MessageInteraction{}
	}
	r := result{
		outcome: Outcome{Code: CodeSent, Sent: SentYes, Replayed: true, RequestID: entry.RequestID, LedgerID: entry.ID},
		value:   complete(receipt, s.request),
	}
	// It went out after it was begun and before that was recorded, which may have
	// been much later. Times are the ledger's clock, by which it decides, too.
	when := "at " + entry.Begun.UTC().Format(time.RFC3339)
	if age := entry.Read.Sub(entry.Begun); age < 0 {
		when += " (the ledger's clock has been set back since)"
	} else {
		r.outcome.AgeSeconds = new(int64(age / time.Second))
		when = fmt.Sprintf("%d seconds ago, %s", *r.outcome.AgeSeconds, when)
	}
	again := "A second message with this text needs another idempotency key."
	if s.meta.IdempotencyKey == "" {
		again = "The same message may be sent again on purpose now."
		if left := s.tools.DuplicateWindow - entry.Read.Sub(entry.Settled); left > 0 {
			again = fmt.Sprintf("The same message may be sent again on purpose from %s on, in %d seconds.",
				entry.Read.Add(left).UTC().Format(time.RFC3339), seconds(left))
		}
	}
	r.first = fmt.Sprintf("Nothing was sent again: this message already went out %s, and this is its receipt. %s", when, again)
	return r
}

// recovered is the result of a message whose answer was lost and that was found
// among the session's interactions.
func recovered(request schema.CreateMessageInteraction, found schema.MessageInteraction, id int64) result {
	return result{
		outcome: Outcome{Code: CodeSent, Sent: SentYes, Reconciled: true, LedgerID: id},
		value:   complete(found, request),
		first:   "The answer to the request was lost, but the message was found in the session: it was sent, once, and this is its receipt. Do not send it again.",
	}
}

// complete fills what a receipt lacks from the request: an Interaction has no
// participant_sid, a stored receipt has no data, and one that could not be
// read has nothing.
func complete(receipt schema.MessageInteraction, request schema.CreateMessageInteraction) *schema.MessageInteraction {
	fill(&receipt.ServiceSid, request.ServiceSid)
	fill(&receipt.SessionSid, request.SessionSid)
	fill(&receipt.ParticipantSid, request.ParticipantSid)
	fill(&receipt.OutboundParticipantSid, request.ParticipantSid)
	fill(&receipt.Type, "message")
	if data, err := dataOf(request); err == nil && request.Body != "" {
		fill(&receipt.Data, data)
	}
	return &receipt
}

func fill[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// dataOf writes the data of a receipt as Twilio's example has it. encoding/json
// would write < as \u003c.
func dataOf(request schema.CreateMessageInteraction) (string, error) {
	encoded, err := jsonv2.Marshal(struct {
		Body string `json:"body"`
	}{request.Body})
	return string(encoded), err
}

func cut(s string, runes int) string {
	if all := []rune(s); len(all) > runes {
		return string(all[:runes]) + "..."
	}
	return s
}

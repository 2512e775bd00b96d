package tools

import (
	"encoding/json"
	"log/slog"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MetaOutcome is the key in a result's _meta under which programs find the Outcome, on success and on error.
const MetaOutcome = "twilio-proxy-mcp/outcome"

// A Code is one word for how a call ended.
type Code string

// The vocabulary is the same in texts, _meta, logs and metrics.
const (
	CodeOK               Code = "ok"                // answered; nothing was to be sent
	CodeSent             Code = "sent"              // Twilio accepted the message for sending
	CodeInputRequired    Code = "input_required"    // a person is asked first; the client calls again with the answer
	CodeInvalidArguments Code = "invalid_arguments" // the arguments break the schema
	CodeRefused          Code = "refused"           // Twilio refused
	CodeTryLater         Code = "try_later"         // nothing happened; the same call may work later
	CodeOutcomeUnknown   Code = "outcome_unknown"   // attempted, and nobody can know what became of it
	CodeConflict         Code = "conflict"          // an idempotency key was used for other content
	CodeNotAllowed       Code = "not_allowed"       // a limit of this server forbids it
	CodeInternal         Code = "internal"          // a fault of this server
)

// Sent says whether a message went out.
type Sent string

// The three answers to "was it sent?". Only tools with the effect Texts give one.
const (
	SentYes     Sent = "yes"
	SentNo      Sent = "no"
	SentUnknown Sent = "unknown"
)

// An Outcome is what programs read about a call in the result's _meta. Code is always there; each tool sets what it
// knows of the rest.
type Outcome struct {
	Code Code `json:"code"`
	Sent Sent `json:"sent,omitempty"`
	// Backend is "fake" when the tool talked to the built-in fake.
	Backend string `json:"backend,omitempty"`
	// Replayed: this repeats the answer of an earlier call; nothing was sent again.
	Replayed bool `json:"replayed,omitzero"`
	// AgeSeconds is how long ago the replayed message went out. It is nil when the ledger's clock was set back since.
	AgeSeconds *int64 `json:"age_seconds,omitempty"`
	// Reconciled: Twilio's answer was lost, and the message was found at Twilio afterwards.
	Reconciled bool `json:"reconciled,omitzero"`
	// RetryAfterSeconds is how long to wait before the same call may work.
	RetryAfterSeconds int64 `json:"retry_after_seconds,omitzero"`
	// HTTPStatus is that of an answer that was an error. TwilioCode is its code, if it came from Twilio.
	HTTPStatus int `json:"http_status,omitzero"`
	TwilioCode int `json:"twilio_code,omitzero"`
	// RequestID is Twilio's name for the request (the header Twilio-Request-Id).
	RequestID string `json:"request_id,omitempty"`
	// LedgerID is the ID of this send in `history`, which no other ledger has.
	LedgerID string `json:"ledger_id,omitempty"`
	// Misfits are fields of Twilio's answer that do not fit the published schema or the request, as they came, cut short.
	Misfits map[string]string `json:"misfits,omitempty"`
}

// encode cannot fail, because a success must not turn into an error: invalid UTF-8 is replaced.
func (o Outcome) encode() json.RawMessage {
	encoded, _ := jsonv2.Marshal(o, jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))
	return encoded
}

func (o Outcome) level() slog.Level {
	switch o.Code {
	case CodeOK, CodeSent, CodeInputRequired:
		return slog.LevelInfo
	case CodeInternal:
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

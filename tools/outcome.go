package tools

import "log/slog"

// A Code is one word for how a call ended.
type Code string

// The vocabulary, the same in texts, _meta, logs and metrics.
const (
	CodeSent             Code = "sent"              // the message was accepted for sending
	CodeInvalidArguments Code = "invalid_arguments" // the arguments break the schema
	CodeRefused          Code = "refused"           // Twilio refused
	CodeTryLater         Code = "try_later"         // nothing happened; the same call may work later
	CodeOutcomeUnknown   Code = "outcome_unknown"   // attempted, and nobody can know
	CodeConflict         Code = "conflict"          // an idempotency key was used for other content
	CodeNotAllowed       Code = "not_allowed"       // a limit set here forbids it
	CodeInternal         Code = "internal"          // a fault of this server
)

// Sent says whether the message went out.
type Sent string

// The three answers to "was it sent?".
const (
	SentYes     Sent = "yes"
	SentNo      Sent = "no"
	SentUnknown Sent = "unknown"
)

// An Outcome is what programs read of a call, in the result's _meta. Only Code
// and Sent are always there.
type Outcome struct {
	Code Code `json:"code"`
	Sent Sent `json:"sent"`
	// Backend is "fake" when nothing left this machine.
	Backend string `json:"backend,omitempty"`
	// Replayed: this answers a repeat with the first receipt; nothing was sent again.
	Replayed bool `json:"replayed,omitzero"`
	// AgeSeconds is how long ago the replayed message went out; nil where the
	// ledger's clock has been set back since.
	AgeSeconds *int64 `json:"age_seconds,omitempty"`
	// Reconciled: the answer was lost, and the message was found at Twilio.
	Reconciled bool `json:"reconciled,omitzero"`
	// RetryAfterSeconds is how long to wait before the same call may work.
	RetryAfterSeconds int64 `json:"retry_after_seconds,omitzero"`
	// HTTPStatus and TwilioCode are Twilio's, when it answered with an error.
	HTTPStatus int `json:"http_status,omitzero"`
	TwilioCode int `json:"twilio_code,omitzero"`
	// RequestID is Twilio's name for the request (Twilio-Request-Id).
	RequestID string `json:"request_id,omitempty"`
	// LedgerID is the entry of this send in `history`.
	LedgerID int64 `json:"ledger_id,omitzero"`
	// Misfits are fields of Twilio's answer that do not fit the published
	// schema, as they came, cut short.
	Misfits map[string]string `json:"misfits,omitempty"`
}

func (o Outcome) level() slog.Level {
	switch o.Code {
	case CodeSent:
		return slog.LevelInfo
	case CodeInternal:
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

package tools

import (
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// appendJSON appends what o's tags say. It cannot fail, as a success must not
// turn into an error: invalid UTF-8 is replaced. Reflection would take 2 µs more.
func (o Outcome) appendJSON(b []byte) []byte {
	b = appendQuoted(append(b, `{"code":`...), string(o.Code))
	b = appendQuoted(append(b, `,"sent":`...), string(o.Sent))
	b = appendString(b, `,"backend":`, o.Backend)
	b = appendTrue(b, `,"replayed":`, o.Replayed)
	if o.AgeSeconds != nil {
		b = strconv.AppendInt(append(b, `,"age_seconds":`...), *o.AgeSeconds, 10)
	}
	b = appendTrue(b, `,"reconciled":`, o.Reconciled)
	b = appendNumber(b, `,"retry_after_seconds":`, o.RetryAfterSeconds)
	b = appendNumber(b, `,"http_status":`, int64(o.HTTPStatus))
	b = appendNumber(b, `,"twilio_code":`, int64(o.TwilioCode))
	b = appendString(b, `,"request_id":`, o.RequestID)
	b = appendNumber(b, `,"ledger_id":`, o.LedgerID)
	if len(o.Misfits) > 0 {
		misfits, _ := jsonv2.Marshal(o.Misfits, jsontext.AllowInvalidUTF8(true)) // strings always encode
		b = append(append(b, `,"misfits":`...), misfits...)
	}
	return append(b, '}')
}

// The values that are left out when they are zero.

func appendString(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendQuoted(append(b, name...), value)
}

func appendNumber(b []byte, name string, value int64) []byte {
	if value == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), value, 10)
}

func appendTrue(b []byte, name string, value bool) []byte {
	if !value {
		return b
	}
	return append(append(b, name...), "true"...)
}

func appendQuoted[T string | []byte](b []byte, text T) []byte {
	b, _ = jsontext.AppendQuote(b, text) // the error is of invalid UTF-8, which is replaced all the same
	return b
}

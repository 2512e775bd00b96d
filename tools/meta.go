package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
)

// MetaIdempotencyKey is the key of a call's _meta under which a caller names
// its intention: two calls with one value are one message.
const MetaIdempotencyKey = "twilio-proxy-mcp/idempotency-key"

// maxIdempotencyKey is in characters; chosen: what other APIs allow.
const maxIdempotencyKey = 255

// Meta is what the tools read of a call's _meta.
type Meta struct {
	IdempotencyKey string // "" when the caller gave none
}

func parseMeta(raw json.RawMessage) (Meta, error) {
	if len(raw) == 0 {
		return Meta{}, nil
	}
	var fields struct {
		Key json.RawMessage `json:"twilio-proxy-mcp/idempotency-key"`
	}
	if err := jsonv2.Unmarshal(raw, &fields); err != nil {
		return Meta{}, errors.New("_meta: cannot be read as a JSON object")
	}
	if fields.Key == nil {
		return Meta{}, nil
	}
	var key string
	if err := jsonv2.Unmarshal(fields.Key, &key); err != nil || string(fields.Key) == "null" {
		return Meta{}, fmt.Errorf("_meta[%q]: must be a string of 1 to %d characters", MetaIdempotencyKey, maxIdempotencyKey)
	}
	if n := utf8.RuneCountInString(key); n < 1 || n > maxIdempotencyKey {
		return Meta{}, fmt.Errorf("_meta[%q]: has %d characters, must have 1 to %d", MetaIdempotencyKey, n, maxIdempotencyKey)
	}
	return Meta{IdempotencyKey: key}, nil
}

package tools

import (
	"encoding/json"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
)

// MetaOutcome is the key of a result's _meta under which programs find the
// Outcome, on success and on error.
const MetaOutcome = "twilio-proxy-mcp/outcome"

const fakeNote = "This server runs on its built-in fake of Twilio Proxy: no real person was texted."

// A result is the only way out of a tool: structured content or an error, and
// always an Outcome.
type result struct {
	outcome Outcome
	value   any      // the structured content; nil for an error
	first   string   // said before the content: what a model must not miss
	notes   []string // said after it
	fake    bool
}

func (r result) isError() bool { return r.value == nil }

// structured encodes the value once, for structuredContent and for the text
// that stands in for it with clients that know no structured content.
func (r result) structured() json.RawMessage {
	if r.isError() {
		return nil
	}
	return encoded(r.value)
}

// encoded is for our own types, which always encode once invalid UTF-8 is
// replaced; a success must not turn into an error.
func encoded(value any) json.RawMessage {
	b, err := jsonv2.Marshal(value, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}

// texts are the content blocks in order.
func (r result) texts(structured json.RawMessage) []string {
	var texts []string
	if r.first != "" {
		texts = append(texts, r.first)
	}
	if structured != nil {
		texts = append(texts, string(structured))
	}
	texts = append(texts, r.notes...)
	if r.fake {
		texts = append(texts, fakeNote)
	}
	return texts
}

func (r result) meta() Outcome {
	o := r.outcome
	if r.fake {
		o.Backend = "fake"
	}
	return o
}

// encode writes the CallToolResult, which mcp-go's types would do through
// several maps (25 µs a call were measured). What is JSON already is copied:
// an encoder would read all of it once more.
func (r result) encode() json.RawMessage {
	structured := r.structured()
	b := make([]byte, 0, 2*len(structured)+len(structured)/4+256)
	b = append(b, `{"_meta":{"`+MetaOutcome+`":`...)
	b = append(b, encoded(r.meta())...)
	b = append(b, `},"content":[`...)
	for i, text := range r.texts(structured) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":"text","text":`...)
		b, _ = jsontext.AppendQuote(b, text) // invalid UTF-8 is replaced all the same
		b = append(b, '}')
	}
	b = append(b, ']')
	if structured != nil {
		b = append(append(b, `,"structuredContent":`...), structured...)
	}
	if r.isError() {
		b = append(b, `,"isError":true`...)
	}
	return append(b, '}')
}

// forLibrary is the same result in mcp-go's types.
func (r result) forLibrary() *mcp.CallToolResult {
	structured := r.structured()
	out := &mcp.CallToolResult{IsError: r.isError()}
	out.Meta = &mcp.Meta{AdditionalFields: map[string]any{MetaOutcome: r.meta()}}
	for _, text := range r.texts(structured) {
		out.Content = append(out.Content, mcp.NewTextContent(text))
	}
	if structured != nil {
		out.StructuredContent = structured
	}
	return out
}

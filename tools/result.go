package tools

import (
	"encoding/json"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/schema"
)

// MetaOutcome is the key of a result's _meta under which programs find the
// Outcome, on success and on error.
const MetaOutcome = "twilio-proxy-mcp/outcome"

const fakeNote = "This server runs on its built-in fake of Twilio Proxy: no real person was texted."

// A result is the only way out of a tool: structured content or an error, and
// always an Outcome.
type result struct {
	outcome Outcome
	value   *schema.MessageInteraction // the structured content; nil for an error
	first   string                     // said before the content: what a model must not miss
	notes   []string                   // said after it
	fake    bool
}

func (r result) isError() bool { return r.value == nil }

// around are the content blocks before and after the one that stands in for
// the structured content with clients that know none.
func (r result) around() (before, after []string) {
	if r.first != "" {
		before = []string{r.first}
	}
	after = r.notes
	if r.fake {
		after = append(slices.Clip(after), fakeNote)
	}
	return before, after
}

func (r result) meta() Outcome {
	o := r.outcome
	if r.fake {
		o.Backend = "fake"
	}
	return o
}

// encode writes the CallToolResult, which mcp-go's types would do through
// several maps (25 µs a call were measured, 5 are left). What is JSON already
// is copied: an encoder would read all of it once more.
func (r result) encode() json.RawMessage {
	structured := make([]byte, 0, 2048) // twice the documented answer; a longer one is moved off the stack
	if !r.isError() {
		structured = r.value.AppendJSON(structured)
	}
	b := make([]byte, 0, 2*len(structured)+len(structured)/4+256)
	b = append(b, `{"_meta":{"`+MetaOutcome+`":`...)
	b = r.meta().appendJSON(b)
	b = append(b, `},"content":[`...)
	before, after := r.around()
	for _, text := range before {
		b = append(appendText(b, text), ',')
	}
	if !r.isError() {
		b = append(appendText(b, structured), ',')
	}
	for _, text := range after {
		b = append(appendText(b, text), ',')
	}
	b[len(b)-1] = ']' // there is always a text
	if r.isError() {
		b = append(b, `,"isError":true`...)
	} else {
		b = append(append(b, `,"structuredContent":`...), structured...)
	}
	return append(b, '}')
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(appendQuoted(append(b, `{"type":"text","text":`...), text), '}')
}

// forLibrary is the same result in mcp-go's types.
func (r result) forLibrary() *mcp.CallToolResult {
	out := &mcp.CallToolResult{IsError: r.isError()}
	out.Meta = &mcp.Meta{AdditionalFields: map[string]any{MetaOutcome: r.meta()}}
	texts, after := r.around()
	if !r.isError() {
		structured := json.RawMessage(r.value.AppendJSON(nil))
		out.StructuredContent = structured
		texts = append(texts, string(structured))
	}
	for _, text := range append(texts, after...) {
		out.Content = append(out.Content, mcp.NewTextContent(text))
	}
	return out
}

package tools

import (
	"encoding/json"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
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
	encoded, err := jsonv2.Marshal(r.value)
	if err != nil { // our own types always encode; a success must not turn into an error
		return json.RawMessage("{}")
	}
	return encoded
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

type wireText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type wireMeta struct {
	Outcome Outcome `json:"twilio-proxy-mcp/outcome"`
}

type wireResult struct {
	Meta       wireMeta        `json:"_meta"`
	Content    []wireText      `json:"content"`
	Structured json.RawMessage `json:"structuredContent,omitzero"`
	IsError    bool            `json:"isError,omitzero"`
}

// encode writes the CallToolResult once, which mcp-go's types would do through
// several maps (25 µs a call were measured).
func (r result) encode() json.RawMessage {
	structured := r.structured()
	wire := wireResult{Meta: wireMeta{r.meta()}, Structured: structured, IsError: r.isError()}
	for _, text := range r.texts(structured) {
		wire.Content = append(wire.Content, wireText{Type: "text", Text: strings.ToValidUTF8(text, "\uFFFD")})
	}
	encoded, err := jsonv2.Marshal(wire)
	if err != nil { // cannot be: every string above is valid UTF-8 and every type our own
		return json.RawMessage(`{"content":[],"isError":` + map[bool]string{true: "true", false: "false"}[r.isError()] + `}`)
	}
	return encoded
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

package serve

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
)

// encode writes the answer to a tools/call. Revision 2026-07-28, which is modern, wants resultType and the server's
// identity in it. mcp-go's encoder goes through several maps and reads all JSON again: it took 25 µs where this takes 5.
func (s *Server) encode(id json.RawMessage, r *mcp.CallToolResult, modern bool) []byte {
	size := 512 + 2*len(r.RawStructuredContent)
	b := append(make([]byte, 0, size), `{"jsonrpc":"2.0","id":`...)
	b = append(append(b, id...), `,"result":{`...)
	if modern {
		kind := r.ResultType
		if kind == "" {
			kind = "complete"
		}
		b = append(appendQuoted(append(b, `"resultType":`...), string(kind)), ',')
	}
	b = s.appendMeta(b, r.Meta, modern)
	b = append(b, `"content":[`...)
	for i, content := range r.Content {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendContent(b, content)
	}
	b = append(b, ']')
	switch {
	case len(r.RawStructuredContent) > 0:
		b = append(append(b, `,"structuredContent":`...), r.RawStructuredContent...)
	case r.StructuredContent != nil:
		b = append(append(b, `,"structuredContent":`...), mustEncode(r.StructuredContent)...)
	}
	if r.IsError {
		b = append(b, `,"isError":true`...)
	}
	if len(r.InputRequests) > 0 {
		b = append(append(b, `,"inputRequests":`...), mustEncode(r.InputRequests)...)
	}
	if r.RequestState != "" {
		b = appendQuoted(append(b, `,"requestState":`...), r.RequestState)
	}
	return oneLine(append(b, "}}"...))
}

// appendMeta appends the member _meta with a comma behind it, or nothing.
func (s *Server) appendMeta(b []byte, meta *mcp.Meta, modern bool) []byte {
	var fields map[string]any
	if meta != nil {
		fields = meta.AdditionalFields
	}
	if _, given := fields[mcp.MetaKeyServerInfo]; modern && !given {
		fields = maps.Clone(fields)
		if fields == nil {
			fields = map[string]any{}
		}
		fields[mcp.MetaKeyServerInfo] = s.serverInfo()
	}
	if len(fields) == 0 {
		return b
	}
	b = append(b, `"_meta":`...)
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		b = append(b, "{,"[min(i, 1)])
		b = append(appendQuoted(b, name), ':')
		if raw, is := fields[name].(json.RawMessage); is {
			b = append(b, raw...)
		} else {
			b = append(b, mustEncode(fields[name])...)
		}
	}
	return append(b, "},"...)
}

func appendContent(b []byte, content mcp.Content) []byte {
	text, is := content.(mcp.TextContent)
	if !is || text.Annotations != nil || text.Meta != nil {
		return append(b, mustEncode(content)...)
	}
	return append(appendQuoted(append(b, `{"type":"text","text":`...), text.Text), '}')
}

func appendQuoted(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // the error is of invalid UTF-8, which is replaced all the same
	return b
}

// oneLine removes line breaks, which would end a message early on stdio and in an event stream.
func oneLine(message []byte) []byte {
	if bytes.IndexByte(message, '\n') < 0 {
		return message
	}
	var line bytes.Buffer
	if err := json.Compact(&line, message); err != nil {
		panic(err) // of a tool's own JSON
	}
	return line.Bytes()
}

func mustEncode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // a tool's value that JSON has no form for
	}
	return encoded
}

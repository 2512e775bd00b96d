package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// handle answers one message, unless it calls for no answer.
//
// A plain tools/call is answered by Server.Call from the envelope decoded once, and the answer goes around
// the result's bytes. Left to mcp-go, a message on stdio is decoded about eleven times, five of them before
// the tool is known (16 µs), found and dispatched in 22 µs, and its answer encoded in 25 µs; over Streamable HTTP
// add 80 µs, and as much again on revision 2026-07-28. Whatever is not plain goes to mcp-go, whose answer stands.
func (s *Server) handle(ctx context.Context, to *session, m *message) parts {
	meta, clear := m.readMeta()
	ctx = withTrace(ctx, m, meta.traceparent)
	return s.guarded(ctx, m, func() parts {
		if clear && s.Call != nil && m.plainCall() {
			if direct, ok := s.direct(ctx, to, m, meta.protocol); ok {
				return direct
			}
		}
		if refusal := m.metaRefusal(); refusal != nil {
			return parts{refusal}
		}
		response := s.MCP.HandleMessage(ctx, m.raw)
		if response == nil {
			return parts{}
		}
		return parts{mustEncode(m.answered(response))}
	})
}

// guarded answers a message with what give returns, or with an error that tells nothing when that panics.
func (s *Server) guarded(ctx context.Context, m *message, give func() parts) (given parts) {
	defer func() {
		if p := recover(); p != nil {
			s.logPanic(ctx, m, p)
			if given = (parts{}); m.hasID() {
				given[0] = errorAnswer(m.ID, mcp.INTERNAL_ERROR, "internal error; the server's log has the details")
			}
		}
	}()
	return give()
}

// direct has Server.Call answer; false when the tool is not its own.
func (s *Server) direct(ctx context.Context, to *session, m *message, modern *server.RequestProtocolInfo) (parts, bool) {
	if modern != nil {
		ctx = server.WithRequestProtocolInfo(ctx, modern)
		to.observe(modern)
	}
	result, ok := s.Call(ctx, Call{Name: m.Params.Name, Arguments: m.Params.Arguments, Meta: m.Params.Meta})
	if !ok {
		return parts{}, false
	}
	if bytes.IndexByte(result, '\n') >= 0 { // would end the message early on stdio and in an event stream
		var line bytes.Buffer
		if err := json.Compact(&line, result); err != nil {
			panic(fmt.Errorf("a tool's result is not JSON: %w", err))
		}
		result = line.Bytes()
	}
	head := append(make([]byte, 0, 64), `{"jsonrpc":"2.0","id":`...)
	head = append(append(head, m.ID...), `,"result":`...)
	if modern != nil {
		head, result = s.modernize(head, result)
	}
	return around(head, result), true
}

const metaFirst = `{"_meta":{`

// modernize adds to a result, and to what goes before it, what revision 2026-07-28 wants in it: resultType and, in
// _meta, the server's identity. Results begin with a filled _meta as a rule (encoding/json sorts a map's keys), and
// then nothing has to be decoded.
func (s *Server) modernize(before, result []byte) (head, rest []byte) {
	identity := s.serverInfo()
	rest, ok := bytes.CutPrefix(result, []byte(metaFirst))
	if ok && rest[0] == '"' && !bytes.Contains(result, []byte(`"resultType"`)) && !bytes.Contains(result, []byte(mcp.MetaKeyServerInfo)) {
		head = append(slices.Grow(before, 128+len(identity)), `{"resultType":"complete","_meta":{"`+mcp.MetaKeyServerInfo+`":`...)
		return append(append(head, identity...), ','), rest
	}
	var fields, meta map[string]json.RawMessage
	if err := json.Unmarshal(result, &fields); err != nil || fields == nil {
		panic(fmt.Errorf("a tool's result is not a JSON object: %w", err))
	}
	if err := json.Unmarshal(orNull(fields["_meta"]), &meta); err != nil {
		panic(fmt.Errorf("the _meta of a tool's result is not a JSON object: %w", err))
	}
	if meta == nil {
		meta = map[string]json.RawMessage{}
	}
	if _, ok := meta[mcp.MetaKeyServerInfo]; !ok {
		meta[mcp.MetaKeyServerInfo] = identity
	}
	if _, ok := fields["resultType"]; !ok {
		fields["resultType"] = json.RawMessage(`"complete"`)
	}
	fields["_meta"] = mustEncode(meta)
	return before, mustEncode(fields)
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

func mustEncode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // a tool's value that JSON has no form for
	}
	return encoded
}

// serverInfo is the server's identity in JSON. mcp-go keeps it to itself, so it is asked for once, the way a
// client would; this can go when MCPServer has an accessor.
func (s *Server) serverInfo() json.RawMessage {
	s.identity.Do(func() {
		response := s.MCP.HandleMessage(context.Background(), json.RawMessage(
			`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"","version":""}}}`))
		var result mcp.InitializeResult
		if ok, is := response.(mcp.JSONRPCResponse); is {
			result, _ = ok.Result.(mcp.InitializeResult)
		}
		s.identityJSON = mustEncode(result.ServerInfo)
	})
	return s.identityJSON
}

// logPanic logs where a panic happened and of what type it was. Its text may quote what was being handled, and is
// left out unless the Go runtime wrote it.
func (s *Server) logPanic(ctx context.Context, m *message, p any) {
	text := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		text = err.Error()
	}
	attrs := append(AppendLogAttrs(ctx, nil), slog.String("method", string(m.Method)), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
	s.log().LogAttrs(ctx, slog.LevelError, "a handler panicked", attrs...)
}

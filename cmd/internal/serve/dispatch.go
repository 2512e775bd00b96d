package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// handle answers one message; nil when it calls for no answer.
//
// A plain tools/call is answered by Server.Call from the envelope decoded once, and the result's bytes are
// spliced into the answer. Left to mcp-go, a message on stdio is decoded about eleven times, five of them before
// the tool is known (16 µs), found and dispatched in 22 µs, and its answer encoded in 25 µs; over Streamable HTTP
// add 80 µs, and as much again on revision 2026-07-28. Whatever is not plain goes to mcp-go, whose answer stands.
func (s *Server) handle(ctx context.Context, to *session, m *message) []byte {
	meta, clear := m.readMeta()
	ctx = withTrace(ctx, m, meta.traceparent)
	return s.guarded(ctx, m, func() []byte {
		if clear && s.Call != nil && m.plainCall() {
			if answer, ok := s.direct(ctx, to, m, meta.protocol); ok {
				return answer
			}
		}
		if refusal := m.metaRefusal(); refusal != nil {
			return refusal
		}
		response := s.MCP.HandleMessage(ctx, m.raw)
		if response == nil {
			return nil
		}
		return mustEncode(response)
	})
}

// guarded answers a message with answer, or with an error that tells nothing when that panics.
func (s *Server) guarded(ctx context.Context, m *message, answer func() []byte) (encoded []byte) {
	defer func() {
		if p := recover(); p != nil {
			s.logPanic(ctx, m, p)
			if encoded = nil; m.hasID() {
				encoded = errorAnswer(m.ID, mcp.INTERNAL_ERROR, "internal error; the server's log has the details")
			}
		}
	}()
	return answer()
}

// direct has Server.Call answer; false when the tool is not its own.
func (s *Server) direct(ctx context.Context, to *session, m *message, modern *server.RequestProtocolInfo) ([]byte, bool) {
	if modern != nil {
		ctx = server.WithRequestProtocolInfo(ctx, modern)
		to.observe(modern)
	}
	result, ok := s.Call(ctx, Call{Name: m.Params.Name, Arguments: m.Params.Arguments, Meta: m.Params.Meta})
	if !ok {
		return nil, false
	}
	if bytes.IndexByte(result, '\n') >= 0 { // would end the message early on stdio and in an event stream
		var line bytes.Buffer
		if err := json.Compact(&line, result); err != nil {
			panic(fmt.Errorf("a tool's result is not JSON: %w", err))
		}
		result = line.Bytes()
	}
	answer := make([]byte, 0, len(result)+len(m.ID)+512)
	answer = append(answer, `{"jsonrpc":"2.0","id":`...)
	answer = append(answer, m.ID...)
	answer = append(answer, `,"result":`...)
	if modern != nil {
		answer = s.appendModern(answer, result)
	} else {
		answer = append(answer, result...)
	}
	return append(answer, '}'), true
}

const metaFirst = `{"_meta":{`

// appendModern appends a result with what revision 2026-07-28 wants in it: resultType and, in _meta, the
// server's identity. Results begin with a filled _meta as a rule (encoding/json sorts a map's keys), and then
// nothing has to be decoded.
func (s *Server) appendModern(answer, result []byte) []byte {
	identity := s.serverInfo()
	rest, ok := bytes.CutPrefix(result, []byte(metaFirst))
	if ok && rest[0] == '"' && !bytes.Contains(result, []byte(`"resultType"`)) && !bytes.Contains(result, []byte(mcp.MetaKeyServerInfo)) {
		answer = append(answer, `{"resultType":"complete","_meta":{"`+mcp.MetaKeyServerInfo+`":`...)
		answer = append(answer, identity...)
		answer = append(answer, ',')
		return append(answer, rest...)
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
	return append(answer, mustEncode(fields)...)
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
	attrs := append(LogAttrs(ctx), slog.String("method", string(m.Method)), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
	s.log().LogAttrs(ctx, slog.LevelError, "a handler panicked", attrs...)
}

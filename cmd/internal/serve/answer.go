package serve

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// answer answers one message; nil when it calls for no answer. code is that of an error, or 0. A panic becomes an error that
// tells nothing.
func (s *Server) answer(ctx context.Context, m *message) (answer []byte, code int) {
	ctx = withTrace(ctx, m)
	defer func() {
		if p := recover(); p != nil {
			answer, code = s.panicked(ctx, m, p), mcp.INTERNAL_ERROR
		}
	}()
	if tool := s.toolOf(m); tool != nil && m.meta.clear {
		return s.call(ctx, m, tool.Handler)
	}
	raw, refusal := m.forMCPGo()
	if raw == nil {
		return refusal, mcp.INVALID_REQUEST
	}
	switch response := s.MCP.HandleMessage(ctx, raw).(type) {
	case nil:
		return nil, 0
	case mcp.JSONRPCResponse:
		response.ID = m.requestID()
		return mustEncode(response), 0
	case mcp.JSONRPCError:
		response.ID = m.requestID()
		m.reword(&response.Error)
		return mustEncode(response), response.Error.Code
	default:
		return mustEncode(response), 0
	}
}

// answerAtOnce answers a message that takes no time, in the order in which it came.
func (s *Server) answerAtOnce(ctx context.Context, from *session, m *message) []byte {
	from.cancel(m)
	answer, code := s.answer(ctx, m)
	if m.Method == mcp.MethodInitialize && m.hasID() && code == 0 {
		from.declare(m)
	}
	return answer
}

// encodeNotification is nil when the notification cannot be encoded, or panics when it is.
func (s *Server) encodeNotification(n mcp.JSONRPCNotification) []byte {
	defer func() {
		if p := recover(); p != nil {
			s.log().Error("a notification could not be encoded", "method", n.Method, "panic", fmt.Sprintf("%T", p))
		}
	}()
	return mustEncode(n)
}

// toolOf is the tool that a tools/call names; nil for other messages and for tools that do not exist.
func (s *Server) toolOf(m *message) *server.ServerTool {
	if m.Method != mcp.MethodToolsCall || !m.hasID() || m.Result != nil || m.Error != nil || m.JSONRPC != mcp.JSONRPC_VERSION {
		return nil
	}
	return s.MCP.GetTool(m.Params.Name)
}

// call has a tool's handler answer a tools/call, in its first round or a later one. A task is not made: a server that
// offers none executes the call as it comes (MCP, "Tasks").
func (s *Server) call(ctx context.Context, m *message, handler server.ToolHandlerFunc) ([]byte, int) {
	request := mcp.CallToolRequest{Request: mcp.Request{Method: string(m.Method)}}
	p := &request.Params
	p.Name, p.Meta, p.RawArguments, p.RequestState = m.Params.Name, m.meta.fields, m.Params.Arguments, m.Params.requestState
	if m.Params.Arguments != nil {
		p.Arguments = m.Params.Arguments
	}
	fail := func(code int, text string) ([]byte, int) { return errorAnswer(m.ID, code, text), code }
	raw := m.Params.InputResponses
	if guard.Heavy(raw) {
		return fail(mcp.INVALID_PARAMS, `params: "inputResponses" `+guard.TooMuch+"; nothing was done")
	}
	if raw != nil && jsonv2.Unmarshal(raw, &p.InputResponses) != nil {
		return fail(mcp.INVALID_PARAMS, `params: "inputResponses" must be an object, with no name twice in it; nothing was done`)
	}
	if m.meta.protocol != nil {
		ctx = server.WithRequestProtocolInfo(ctx, m.meta.protocol)
	}
	result, err := handler(ctx, request)
	switch {
	case err != nil:
		return fail(mcp.INTERNAL_ERROR, err.Error())
	case result == nil:
		return fail(mcp.INTERNAL_ERROR, "the tool gave no result")
	case result.NeedsInput() && m.meta.protocol == nil:
		return fail(mcp.INTERNAL_ERROR, "the tool asks for input in a way that the client's protocol revision does not have")
	}
	return s.encode(m.ID, result, m.meta.protocol != nil), 0
}

// panicked logs where a panic happened and its type. Its text may quote a message, and is left out unless the Go runtime
// wrote it.
func (s *Server) panicked(ctx context.Context, m *message, p any) []byte {
	text := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		text = err.Error()
	}
	attrs := append(AppendLogAttrs(ctx, nil), slog.String("method", string(m.Method)), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
	s.log().LogAttrs(ctx, slog.LevelError, "a handler panicked", attrs...)
	if !m.hasID() {
		return nil
	}
	return errorAnswer(m.ID, mcp.INTERNAL_ERROR, "internal error; the server's log has the details")
}

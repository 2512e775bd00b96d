package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// serveMCP answers one POST of Streamable HTTP. GET and DELETE, which need sessions, are not allowed on /mcp.
func (e *endpoints) serveMCP(w http.ResponseWriter, r *http.Request) {
	body, ok := e.bodies.Read(w, r)
	if !ok {
		return
	}
	defer body.Done()
	m, refusal := decode(body.Bytes)
	leave, err := e.enter(m)
	if err != nil {
		e.refuseBusy(w, r, err)
		return
	}
	defer leave()
	ctx := withOrigin(r.Context(), e.originOf(r, "http"))
	switch {
	case !isJSON(r): // mcp-go reads no other type
		e.passOn(ctx, w, r, m)
	case refusal != nil:
		writeJSON(w, http.StatusBadRequest, refusal)
	case m.Method == mcp.MethodNotificationCancelled:
		// Without sessions mcp-go would cancel any client's request that has this id. A client cancels its request by
		// hanging up.
		w.WriteHeader(http.StatusAccepted)
	case m.isResponse(), !e.server.headersAgree(r.Header, m):
		if m.hasID() && m.meta.fields != nil && json.Unmarshal(m.Params.Meta, new(mcp.Meta)) != nil { // mcp-go would say so in its decoder's words
			writeJSON(w, http.StatusBadRequest, errorAnswer(m.ID, mcp.INVALID_PARAMS, m.misread("_meta")))
			return
		}
		e.passOn(ctx, w, r, m)
	default:
		e.answerPost(ctx, w, m)
	}
}

func (e *endpoints) answerPost(ctx context.Context, w http.ResponseWriter, m *message) {
	session := e.newPostSession(w, m)
	ctx = e.server.MCP.WithContext(ctx, session)
	if m.Method == mcp.MethodSubscriptionsListen { // an event stream, not a call that ends
		var end context.CancelFunc
		ctx, end = e.untilClosing(ctx)
		defer end()
		if e.server.MCP.RegisterSession(ctx, session) == nil {
			defer e.server.MCP.UnregisterSession(context.WithoutCancel(ctx), session.id)
		}
	}
	answer, code := e.server.answer(ctx, m)
	session.answer(statusOf(code, m), answer)
}

// untilClosing ends with ctx, when event streams have to end, and when the function returned is called.
func (e *endpoints) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

// headersAgree holds the MCP headers of a request to its body. Where they disagree, mcp-go words the refusal.
func (s *Server) headersAgree(h http.Header, m *message) bool {
	meta, version := m.meta, h.Get(mcp.HeaderProtocolVersion)
	switch {
	case !meta.clear:
		return false
	case meta.protocol == nil:
		return version == "" || mcp.IsValidProtocolVersion(version) && !mcp.IsModernProtocol(version)
	case version != meta.protocol.ProtocolVersion || h.Get(mcp.HeaderLastEventID) != "":
		return false
	case mcp.ValidateStandardHeaders(h.Get, version, m.Method, m.Params.raw) != nil:
		return false
	}
	tool := s.toolOf(m)
	return tool == nil || mcp.ValidateParamHeadersLookup(func(name string) (string, bool) {
		return h.Get(name), len(h.Values(name)) > 0
	}, &tool.Tool, m.Params.raw) == nil
}

// statusOf is the HTTP status that revision 2026-07-28 prescribes for an error ("Streamable HTTP", "Status Codes"). The
// earlier revisions, and every result, have 200.
func statusOf(code int, m *message) int {
	switch {
	case code == 0 || code == mcp.INTERNAL_ERROR || m.meta.protocol == nil:
		return http.StatusOK
	case code == mcp.METHOD_NOT_FOUND:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// passOn has mcp-go word a refusal, with the body that was read.
func (e *endpoints) passOn(ctx context.Context, w http.ResponseWriter, r *http.Request, m *message) {
	ctx = withTrace(ctx, m)
	defer func() {
		if p := recover(); p != nil {
			e.server.panicked(ctx, m, p)
		}
	}()
	raw, refusal := m.forMCPGo()
	if raw == nil && isJSON(r) {
		writeJSON(w, http.StatusBadRequest, refusal)
		return
	}
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	e.mcp.ServeHTTP(w, r)
}

// originOf is what the header of an HTTP request says of the calls in it.
func (e *endpoints) originOf(r *http.Request, transport string) origin {
	of := origin{transport: transport, caller: guard.Caller(r.Context()), stopping: e.stopping}
	if traces := r.Header.Values("Traceparent"); len(traces) == 1 { // several are as good as none
		of.traceparent = traces[0]
	}
	return of
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

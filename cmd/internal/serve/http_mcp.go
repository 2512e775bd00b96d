package serve

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// serveMCP answers one POST of Streamable HTTP. GET and DELETE, which need sessions, are not allowed on /mcp.
func (f *front) serveMCP(w http.ResponseWriter, r *http.Request) {
	body, ok := f.readBody(w, r)
	if !ok {
		return
	}
	defer body.Done()
	m, refusal := decode(body.Bytes)
	counted, err := f.enter(m)
	if err != nil {
		f.refuseBusy(w, err)
		return
	}
	defer counted.Release(1)
	switch {
	case refusal != nil && isJSON(r): // mcp-go reads no other type
		writeJSON(w, http.StatusBadRequest, refusal)
		return
	case m.Method == mcp.MethodNotificationCancelled:
		// Without sessions mcp-go would cancel any client's request that has this id. A client cancels its request by
		// hanging up.
		w.WriteHeader(http.StatusAccepted)
		return
	}
	ctx, reply := f.newReply(withRequest(r.Context(), requestOf(r, "http")), w)
	defer reply.end()
	if tool := f.server.toolOf(m); tool != nil && isJSON(r) && headersAgree(r.Header, m, tool) {
		answer := f.server.answer(f.server.MCP.WithContext(ctx, newPostSession(reply)), m)
		writeJSON(reply, http.StatusOK, answer)
		return
	}
	if m.Method == mcp.MethodSubscriptionsListen { // an event stream, not a call that ends
		var end context.CancelFunc
		ctx, end = f.untilClosing(ctx)
		defer end()
	}
	f.passOn(ctx, reply, r, m)
}

// untilClosing ends with ctx, when event streams have to end, and when the function returned is called.
func (f *front) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-f.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// headersAgree holds the MCP headers of a tools/call to its body. What it is unsure of it denies. mcp-go judges then: it
// words the refusal, and it alone knows which arguments belong into Mcp-Param-* headers.
func headersAgree(h http.Header, m *message, tool *server.ServerTool) bool {
	meta, version := m.readMeta(), h.Get(mcp.HeaderProtocolVersion)
	if !meta.clear {
		return false
	}
	if meta.protocol == nil {
		return version == "" || mcp.IsValidProtocolVersion(version) && !mcp.IsModernProtocol(version)
	}
	name, ok := mcp.DecodeHeaderValue(h.Get(mcp.HeaderName))
	if !ok || name == "" || name != m.Params.Name || version != meta.protocol.ProtocolVersion ||
		h.Get(mcp.HeaderMethod) != string(mcp.MethodToolsCall) || h.Get(mcp.HeaderLastEventID) != "" {
		return false
	}
	for header := range h {
		if strings.HasPrefix(header, "Mcp-Param-") {
			return false
		}
	}
	return !bytes.Contains(tool.Tool.RawInputSchema, []byte("x-mcp-header"))
}

// passOn has mcp-go answer, with the body that was read.
func (f *front) passOn(ctx context.Context, to *postReply, r *http.Request, m *message) {
	refusal := m.metaRefusal()
	if refusal == nil {
		refusal = m.roundedID()
	}
	if refusal != nil && isJSON(r) {
		writeJSON(to, http.StatusBadRequest, refusal)
		return
	}
	ctx = withTrace(ctx, m, m.readMeta().traceparent)
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(m.raw))
	defer func() {
		if p := recover(); p != nil {
			if answer := f.server.panicked(ctx, m, p); answer != nil {
				writeJSON(to, http.StatusOK, answer)
			}
		}
	}()
	f.mcp.ServeHTTP(to, r)
}

// newStreamable is mcp-go's handler for what is passed on. The Host guard does what mcp-go's own protection against DNS
// rebinding would, and knows the hosts' names.
func (s *Server) newStreamable() http.Handler {
	return server.NewStreamableHTTPServer(s.MCP, server.WithStateLess(true), server.WithDisableLocalhostProtection(true),
		server.WithStreamableHTTPLogger(s.log()), server.WithHTTPContextFunc(withoutAsking(s.MCP)))
}

// requestOf is what the header of an HTTP request says of the calls in it.
func requestOf(r *http.Request, transport string) request {
	of := request{transport: transport, caller: guard.Caller(r.Context())}
	if traces := r.Header.Values("Traceparent"); len(traces) == 1 { // several are as good as none
		of.traceparent = traces[0]
	}
	return of
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

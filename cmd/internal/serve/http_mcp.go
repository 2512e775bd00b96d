package serve

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func (s *Server) newFront(base context.Context, config HTTP) *front {
	stopping, stop := context.WithCancel(context.WithoutCancel(base))
	return &front{
		server:   s,
		base:     base,
		config:   config,
		calls:    newInFlight(s.maxInFlight()),
		streams:  newInFlight(maxStreams),
		bodies:   room{max: maxBodies},
		sse:      streams{unsent: room{max: maxUnsent}},
		stopping: stopping,
		stop:     stop,
		closing:  make(chan struct{}),
		// The Host guard does what mcp-go's own protection against DNS rebinding would, and knows the hosts' names.
		mcp: server.NewStreamableHTTPServer(s.MCP, server.WithStateLess(true), server.WithDisableLocalhostProtection(true),
			server.WithStreamableHTTPLogger(s.log()), server.WithHTTPContextFunc(withOwnSession(s.MCP))),
	}
}

// serveMCP answers one POST of Streamable HTTP. GET and DELETE, which need sessions, are not allowed on /mcp.
func (f *front) serveMCP(w http.ResponseWriter, r *http.Request) {
	body, ok := f.readBody(w, r)
	if !ok {
		return
	}
	defer body.done()
	m, refusal := decode(body.bytes)
	counted, err := f.enter(m)
	if err != nil {
		f.refuseBusy(w, err)
		return
	}
	defer counted.leave()
	ctx := withRequest(r.Context(), requestOf(r, "http"))
	if refusal != nil && isJSON(r) { // mcp-go reads no other type
		writeRefusal(w, refusal)
		return
	}
	if m.Method == mcp.MethodNotificationCancelled {
		// Without sessions mcp-go would cancel any client's request that has this id. A client cancels its request
		// by hanging up.
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if isJSON(r) && m.plainCall() && f.server.Call != nil {
		if direct := f.direct(ctx, r, m); !direct.isNone() {
			writeStatus(w, http.StatusOK, direct)
			return
		}
	}
	if m.Method == mcp.MethodSubscriptionsListen { // an event stream, not a call that ends
		var end context.CancelFunc
		ctx, end = f.untilClosing(ctx)
		defer end()
	}
	f.passOn(ctx, w, r, m)
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

// direct answers a plain call whose headers say what its body says; none leaves it to mcp-go.
func (f *front) direct(ctx context.Context, r *http.Request, m *message) parts {
	meta, clear := m.readMeta()
	if !clear || !headersAgree(r.Header, m, meta.protocol) {
		return parts{}
	}
	return f.server.guarded(ctx, m, func() parts {
		direct, _ := f.server.direct(withTrace(ctx, m, meta.traceparent), nil, m, meta.protocol)
		return direct
	})
}

// headersAgree holds the MCP headers of a tools/call to its body. What it is unsure of it denies.
func headersAgree(h http.Header, m *message, modern *server.RequestProtocolInfo) bool {
	version := h.Get(mcp.HeaderProtocolVersion)
	if modern == nil {
		return version == "" || mcp.IsValidProtocolVersion(version) && !mcp.IsModernProtocol(version)
	}
	name, ok := mcp.DecodeHeaderValue(h.Get(mcp.HeaderName))
	if !ok || name == "" || name != m.Params.Name || version != modern.ProtocolVersion ||
		h.Get(mcp.HeaderMethod) != string(mcp.MethodToolsCall) || h.Get(mcp.HeaderLastEventID) != "" {
		return false
	}
	for header := range h {
		if strings.HasPrefix(header, "Mcp-Param-") {
			return false
		}
	}
	return true
}

// passOn has mcp-go answer, with the body that was read.
func (f *front) passOn(ctx context.Context, w http.ResponseWriter, r *http.Request, m *message) {
	refusal := m.metaRefusal()
	if refusal == nil {
		refusal = m.roundedID()
	}
	if refusal != nil && isJSON(r) {
		writeRefusal(w, refusal)
		return
	}
	meta, _ := m.readMeta()
	ctx = withTrace(ctx, m, meta.traceparent)
	ctx, answer := f.newTeller(ctx, w)
	defer answer.end()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(m.raw))
	if panicked := f.server.guarded(ctx, m, func() parts {
		f.mcp.ServeHTTP(answer, r)
		return parts{}
	}); !panicked.isNone() {
		writeStatus(answer, http.StatusOK, panicked)
	}
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
	contentType := r.Header.Get("Content-Type")
	if contentType == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

func writeRefusal(w http.ResponseWriter, refusal []byte) {
	writeStatus(w, http.StatusBadRequest, parts{refusal})
}

func writeStatus(w http.ResponseWriter, status int, p parts) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(p.size()))
	w.WriteHeader(status)
	for _, part := range p {
		_, _ = w.Write(part) // the client is gone when it fails
	}
}

package serve

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// keepAlive is the time between comments on a quiet event stream, under the 30 s of common proxies.
const keepAlive = 25 * time.Second

// serveSSE opens an event stream. An HTTP/1 connection is taken from net/http, whose buffers and stack for it are 20 KB of
// an idle stream's 30 KB.
func (e *endpoints) serveSSE(w http.ResponseWriter, r *http.Request) {
	if _, err := e.enter(&message{Method: mcp.MethodSubscriptionsListen}); err != nil { // it counts as one of those
		e.refuseBusy(w, r, err)
		return
	}
	w.Header().Set("Content-Type", typeEventStream)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	t := e.server.newStream(guard.Caller(r.Context()), &e.unsent)
	// The endpoint is relative to /sse or /sse/, because only a client knows what a proxy puts before them.
	opening := "event: endpoint\ndata: " + strings.Repeat("../", strings.Count(r.URL.Path, "/")-1) + "message?sessionId=" + t.session.id + eventEnd
	control := http.NewResponseController(w)
	if r.ProtoMajor != 1 {
		_ = control.SetReadDeadline(time.Time{})
		e.stream(withOrigin(r.Context(), e.originOf(r, "sse")), responseStream{w, control}, t, []byte(opening))
		return
	}
	conn, _, err := control.Hijack()
	if err != nil {
		e.streams.Release(1)
		http.Error(w, "the connection cannot be kept open", http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	w.Header().Set("Connection", "close")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	head := bytes.NewBufferString("HTTP/1.1 200 OK\r\n")
	_ = w.Header().Write(head) // to memory
	head.WriteString("\r\n" + opening)
	go e.stream(withOrigin(e.base, e.originOf(r, "sse")), conn, t, head.Bytes())
}

// stream is an event stream's life. Its place among the streams ends with it.
func (e *endpoints) stream(ctx context.Context, to eventConn, t *stream, opening []byte) {
	defer e.streams.Release(1)
	defer t.session.end()
	ctx, t.end = context.WithCancel(ctx)
	defer t.end()
	if conn, hijacked := to.(net.Conn); hijacked {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })() // also ends a write that is stuck
		go func() {                                             // the client has nothing more to say on it, until it hangs up
			defer t.end()
			_, _ = conn.Read(make([]byte, 1))
		}()
	}
	t.ctx = e.server.MCP.WithContext(ctx, t.session)
	if err := e.server.MCP.RegisterSession(ctx, t.session); err != nil {
		e.server.log().Error("an event stream could not be registered", "error", err)
		return
	}
	defer e.server.MCP.UnregisterSession(context.WithoutCancel(ctx), t.session.id)
	e.sse.Store(t.session.id, t)
	defer func() {
		t.close()
		close(t.session.gone)
		e.sse.Delete(t.session.id)
	}()
	if writeEvents(to, opening) == nil {
		e.pump(to, t)
	}
}

// pump writes what there is to write until the stream ends.
func (e *endpoints) pump(to eventConn, t *stream) {
	quiet := time.NewTicker(keepAlive)
	defer quiet.Stop()
	for {
		var err error
		select {
		case <-t.wake:
			err = t.flush(to)
		case <-quiet.C:
			err = writeEvents(to, []byte(": keep-alive\n\n"))
		case <-e.closing.Done():
			<-t.session.end()
			_ = t.flush(to)
			return
		case <-t.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// serveMessage takes one message of an event stream's client; the answer goes to the stream.
func (e *endpoints) serveMessage(w http.ResponseWriter, r *http.Request) {
	open, _ := e.sse.Load(r.URL.Query().Get("sessionId"))
	t, _ := open.(*stream)
	if t == nil || t.caller != guard.Caller(r.Context()) {
		http.Error(w, "no such session; open /sse first", http.StatusNotFound)
		return
	}
	body, ok := e.bodies.Read(w, r)
	if !ok {
		return
	}
	if err := e.accept(t, body, e.originOf(r, "sse")); err != nil {
		e.refuseBusy(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// accept starts on a message and is then done with its body. An error says that nothing was started.
func (e *endpoints) accept(t *stream, b *guard.Body, o origin) error {
	m, refusal := decode(b.Bytes)
	if t.session.deliver(m) {
		b.Done()
		return nil
	}
	release, err := e.enter(m)
	if err != nil {
		b.Done()
		return err
	}
	leave := func() {
		release()
		b.Done()
	}
	if err := t.reserve(); err != nil {
		leave()
		return err
	}
	ctx := withOrigin(t.ctx, o)
	if refusal != nil || m.answersAtOnce() {
		defer leave()
		if refusal == nil {
			refusal = e.server.answerAtOnce(ctx, t.session, m)
		}
		t.put(refusal)
		return nil
	}
	ctx, end := t.session.begin(ctx, m)
	go func() {
		defer leave()
		defer end()
		answer, _ := e.server.answer(ctx, m)
		t.session.settle()
		t.put(answer)
	}()
	return nil
}

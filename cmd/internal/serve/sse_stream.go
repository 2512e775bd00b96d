package serve

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// keepAlive is the time between comments on a quiet event stream; chosen, under the 30 s of common proxies.
const keepAlive = 25 * time.Second

// maxAtOnce is how many bytes of small messages are gathered for one write; chosen.
const maxAtOnce = 32 << 10

// eventConn is the way to an event stream's client: a connection, or an HTTP/2 stream.
type eventConn interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}

// serveSSE opens an event stream. An HTTP/1 connection is taken from net/http, whose buffers and stack for it are
// 20 KB of an idle stream's 30 KB.
func (f *front) serveSSE(w http.ResponseWriter, r *http.Request) {
	if f.draining() {
		f.refuseBusy(w, errStopping)
		return
	}
	if !f.streams.enter() {
		f.refuseBusy(w, errStreamsFull)
		return
	}
	t := newStream(guard.Caller(r.Context()), &f.sse.unsent)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	control := http.NewResponseController(w)
	if r.ProtoMajor != 1 {
		_ = control.SetReadDeadline(time.Time{})
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		t.end = cancel
		f.run(withRequest(ctx, requestOf(r, "sse")), http2Stream{w, control}, t, nil)
		return
	}
	conn, _, err := control.Hijack()
	if err != nil {
		f.streams.leave()
		http.Error(w, "the connection cannot be kept open", http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	go f.runDetached(withRequest(f.base, requestOf(r, "sse")), conn, t, responseHead(w.Header()))
}

// responseHead is the header of an answer that goes on until the connection is closed.
func responseHead(header http.Header) []byte {
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&head) // to memory
	head.WriteString("\r\n")
	return head.Bytes()
}

// runDetached runs a stream on its connection until the client hangs up; it has nothing more to say on it.
func (f *front) runDetached(ctx context.Context, conn net.Conn, t *stream, head []byte) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.end = cancel
	defer context.AfterFunc(ctx, func() { conn.Close() })() // also ends a write that is stuck
	defer conn.Close()
	go func() {
		defer cancel()
		_, _ = conn.Read(make([]byte, 1))
	}()
	f.run(ctx, conn, t, head)
}

// run is a stream's life, which its place among the streams ends with.
func (f *front) run(ctx context.Context, conn eventConn, t *stream, head []byte) {
	defer f.streams.leave()
	defer close(t.session.ended)
	t.ctx = f.server.MCP.WithContext(ctx, t.session)
	if err := f.server.MCP.RegisterSession(ctx, t.session); err != nil {
		f.server.log().Error("an event stream could not be registered", "error", err)
		return
	}
	defer f.server.MCP.UnregisterSession(context.WithoutCancel(ctx), t.session.id)
	f.sse.add(t)
	defer f.sse.remove(t)
	if write(conn, append(head, "event: endpoint\ndata: /message?sessionId="+t.session.id+"\n\n"...)) == nil {
		f.pump(conn, t)
	}
}

// pump writes what there is to write until the stream ends.
func (f *front) pump(conn eventConn, t *stream) {
	quiet := time.NewTicker(keepAlive)
	defer quiet.Stop()
	for {
		var err error
		select {
		case n := <-t.session.queue:
			f.tell(t, n)
		case <-t.wake:
			err = flush(conn, t)
		case <-quiet.C:
			err = write(conn, []byte(": keep-alive\n\n"))
		case <-f.closing:
			for len(t.session.queue) > 0 {
				f.tell(t, <-t.session.queue)
			}
			_ = flush(conn, t)
			return
		case <-t.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (f *front) tell(t *stream, n mcp.JSONRPCNotification) {
	if isMark(n) {
		return
	}
	if encoded := f.server.encodeNotification(n); encoded != nil {
		_ = t.send(encoded) // dropped when the client does not read
	}
}

// write fails for a client that does not take it all within writeTimeout.
func write(conn eventConn, events []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := conn.Write(events)
	return err
}

// flush writes what is in the queue, in writeTimeout as well. A large message is not copied.
func flush(conn eventConn, t *stream) error {
	messages := t.take()
	defer t.written(messages)
	if len(messages) == 0 {
		return nil
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	size := 0
	for _, message := range messages {
		size += message.size() + messageOverhead
	}
	out := bufio.NewWriterSize(conn, min(size, maxAtOnce))
	for _, message := range messages {
		_, _ = out.WriteString("event: message\ndata: ")
		for _, part := range message {
			_, _ = out.Write(part)
		}
		_, _ = out.WriteString("\n\n")
	}
	return out.Flush() // says whether one of the writes failed
}

// http2Stream is an eventConn over HTTP/2, where a connection is not one client's.
type http2Stream struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (s http2Stream) SetWriteDeadline(t time.Time) error { return s.control.SetWriteDeadline(t) }

func (s http2Stream) Write(events []byte) (int, error) {
	n, err := s.ResponseWriter.Write(events)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}

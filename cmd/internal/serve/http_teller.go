package serve

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// teller is the way to the client of one POST that is left to mcp-go: its answer, and before it the notifications.
//
// mcp-go's own forwarder takes a notification from the session's channel and then drops it when the handler has
// returned meanwhile: subscriptions/listen with nothing to listen to was answered without its acknowledgement, and a
// tool's last words were lost. This can go when mcp-go writes every notification before the answer.
type teller struct {
	notices *notices
	header  http.Header // mcp-go's, until it or a notification begins the answer
	encode  func(mcp.JSONRPCNotification) []byte
	start   sync.Once
	stop    chan struct{}

	mu     sync.Mutex
	to     http.ResponseWriter
	begun  bool
	events bool // the answer is an event stream
}

type tellerKey struct{}

const typeEventStream = "text/event-stream"

// newTeller is put into the context of its request; end must be called when mcp-go has returned.
func (f *front) newTeller(ctx context.Context, w http.ResponseWriter) (context.Context, *teller) {
	t := &teller{
		notices: newNotices(100), header: http.Header{}, encode: f.server.encodeNotification,
		stop: make(chan struct{}), to: w,
	}
	return context.WithValue(ctx, tellerKey{}, t), t
}

func (t *teller) NotificationChannel() chan<- mcp.JSONRPCNotification {
	t.start.Do(func() { go t.notices.run(t.stop, t.tell) })
	return t.notices.NotificationChannel()
}

// end writes what is left to be told.
func (t *teller) end() {
	close(t.stop)
	t.start.Do(func() { close(t.notices.ended) })
	<-t.notices.ended
}

// tell writes one notification as an event.
func (t *teller) tell(n mcp.JSONRPCNotification) {
	encoded := t.encode(n)
	if encoded == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun && !t.events {
		return // told after the handler returned
	}
	t.begin(http.StatusOK, http.Header{"Content-Type": {typeEventStream}, "Cache-Control": {"no-cache"}})
	_, _ = t.writeEvent(encoded) // the client is gone when it fails
}

func (t *teller) writeEvent(message []byte) (int, error) {
	defer t.flush()
	return t.to.Write(slices.Concat([]byte("event: message\ndata: "), message, []byte("\n\n")))
}

// begin writes the head of the answer, once, and gives the client time to take what comes next.
func (t *teller) begin(status int, header http.Header) {
	_ = http.NewResponseController(t.to).SetWriteDeadline(time.Now().Add(writeTimeout))
	if t.begun {
		return
	}
	t.begun, t.events = true, header.Get("Content-Type") == typeEventStream
	maps.Copy(t.to.Header(), header)
	t.to.WriteHeader(status)
}

func (t *teller) Header() http.Header { return t.header }

func (t *teller) WriteHeader(status int) {
	t.notices.settle()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(status, t.header)
}

func (t *teller) Write(p []byte) (int, error) {
	t.notices.settle()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(http.StatusOK, t.header)
	if t.events && t.header.Get("Content-Type") != typeEventStream { // one message of JSON, decided on before the first event
		if message := bytes.TrimSpace(p); len(message) > 0 {
			_, err := t.writeEvent(message)
			return len(p), err
		}
		return len(p), nil
	}
	return t.to.Write(p)
}

func (t *teller) Unwrap() http.ResponseWriter { return t.to }

func (t *teller) Flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
}

// flush also lifts the deadline, which would end a quiet stream over HTTP/2.
func (t *teller) flush() {
	control := http.NewResponseController(t.to)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

package serve

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// postReply is the way to the client of one POST: notifications, and after them the answer. It is one JSON document, or an
// event stream as soon as there is a notification.
//
// mcp-go's own forwarder takes a notification from the session's channel and drops it when the handler has returned
// meanwhile. subscriptions/listen with nothing to listen to was answered without its acknowledgement, and a tool's last
// words were lost. This can go when mcp-go writes every notification before the answer.
type postReply struct {
	encode func(mcp.JSONRPCNotification) []byte
	header http.Header // until the answer or a notification begins
	stop   chan struct{}

	making sync.Mutex
	told   *notifications // nil until somebody notifies
	ended  bool

	mu     sync.Mutex
	to     http.ResponseWriter
	begun  bool
	events bool // the reply is an event stream
}

type replyKey struct{}

const typeEventStream = "text/event-stream"

// newReply is put into the context of its request. end must be called when the answer has been given.
func (f *front) newReply(ctx context.Context, w http.ResponseWriter) (context.Context, *postReply) {
	r := &postReply{header: http.Header{}, encode: f.server.encodeNotification, stop: make(chan struct{}), to: w}
	return context.WithValue(ctx, replyKey{}, r), r
}

// NotificationChannel is mcp-go's. Few requests notify, so that the channel is made when it is asked for.
func (r *postReply) NotificationChannel() chan<- mcp.JSONRPCNotification {
	r.making.Lock()
	defer r.making.Unlock()
	switch {
	case r.told != nil:
	case r.ended:
		return make(chan mcp.JSONRPCNotification) // nobody listens any more: mcp-go drops it
	default:
		r.told = newNotifications(100)
		go r.told.run(r.stop, r.tell)
	}
	return r.told.NotificationChannel()
}

func (r *postReply) settle() {
	r.making.Lock()
	told := r.told
	r.making.Unlock()
	if told != nil {
		told.settle()
	}
}

// end writes what is left to be told.
func (r *postReply) end() {
	r.making.Lock()
	r.ended = true
	told := r.told
	r.making.Unlock()
	close(r.stop)
	if told != nil {
		<-told.ended
	}
}

// tell writes one notification as an event.
func (r *postReply) tell(n mcp.JSONRPCNotification) {
	encoded := r.encode(n)
	if encoded == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun && !r.events {
		return // told after the handler returned
	}
	r.begin(http.StatusOK, http.Header{"Content-Type": {typeEventStream}, "Cache-Control": {"no-cache"}})
	_, _ = r.writeEvent(encoded) // the client is gone when it fails
}

func (r *postReply) writeEvent(message []byte) (int, error) {
	defer r.flush()
	return r.to.Write(slices.Concat([]byte("event: message\ndata: "), message, []byte("\n\n")))
}

// begin writes the head of the reply, once, and gives the client time to take what comes next.
func (r *postReply) begin(status int, header http.Header) {
	_ = http.NewResponseController(r.to).SetWriteDeadline(time.Now().Add(writeTimeout))
	if r.begun {
		return
	}
	r.begun, r.events = true, header.Get("Content-Type") == typeEventStream
	maps.Copy(r.to.Header(), header)
	r.to.WriteHeader(status)
}

func (r *postReply) Header() http.Header { return r.header }

func (r *postReply) WriteHeader(status int) {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin(status, r.header)
}

func (r *postReply) Write(p []byte) (int, error) {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin(http.StatusOK, r.header)
	if r.events && r.header.Get("Content-Type") != typeEventStream { // one JSON message, decided on before the first event
		if message := bytes.TrimSpace(p); len(message) > 0 {
			_, err := r.writeEvent(message)
			return len(p), err
		}
		return len(p), nil
	}
	return r.to.Write(p)
}

func (r *postReply) Unwrap() http.ResponseWriter { return r.to }

func (r *postReply) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
}

// flush also lifts the deadline, which would end a quiet stream over HTTP/2.
func (r *postReply) flush() {
	control := http.NewResponseController(r.to)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// writeJSON writes a whole answer of one JSON message.
func writeJSON(w http.ResponseWriter, status int, message []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(message)))
	w.WriteHeader(status)
	_, _ = w.Write(message) // the client is gone when it fails
}

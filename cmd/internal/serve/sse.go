package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// maxUnsent is how many messages to one event stream may be unwritten, calls that will make one included; chosen.
const maxUnsent = 1024

var (
	errStreamFull   = errors.New("the client does not read its event stream")
	errStreamClosed = errors.New("the event stream is closed")
)

// streams are the event streams that are open, by session.
type streams struct {
	mu   sync.Mutex
	open map[string]*stream
}

// stream is one client of the HTTP+SSE transport
// (https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse): it listens on /sse and
// sends to /message. mcp-go's own lets the answers to a client that does not read pile up; here each call takes
// its answer's place in the queue before it starts, and is refused when there is none.
type stream struct {
	session *session
	caller  string
	ctx     context.Context // of its calls; ends with the stream
	wake    chan struct{}   // has an element when there is something to write

	mu     sync.Mutex
	taken  int // places in the queue
	queue  []parts
	closed bool
}

func newStream(caller string) *stream {
	t := &stream{caller: caller, wake: make(chan struct{}, 1)}
	t.session = newSession(rand.Text(), t.send, 16) // few, as an idle stream holds the room for them too
	return t
}

// reserve takes a place in the queue.
func (t *stream) reserve() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errStreamClosed
	}
	if t.taken >= maxUnsent {
		return errStreamFull
	}
	t.taken++
	return nil
}

// put fills a place; no message gives it back.
func (t *stream) put(message parts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if message.isNone() || t.closed {
		t.taken--
		return
	}
	t.queue = append(t.queue, message)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *stream) send(message []byte) error {
	if err := t.reserve(); err != nil {
		return err
	}
	t.put(parts{message})
	return nil
}

// take empties the queue into one piece of event stream.
func (t *stream) take() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var events bytes.Buffer
	for _, message := range t.queue {
		events.WriteString("event: message\ndata: ")
		for _, part := range message {
			events.Write(part)
		}
		events.WriteString("\n\n")
	}
	t.taken -= len(t.queue)
	t.queue = nil
	return events.Bytes()
}

func (t *stream) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.queue = true, nil
}

func (s *streams) add(t *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*stream{}
	}
	s.open[t.session.id] = t
}

func (s *streams) remove(t *stream) {
	t.close()
	close(t.session.gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t.session.id)
}

// find is nil for a session that is not open, and for another caller's.
func (s *streams) find(id, caller string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.open[id]; t != nil && t.caller == caller {
		return t
	}
	return nil
}

// serveMessage takes one message of an event stream's client; the answer goes to the stream.
func (f *front) serveMessage(w http.ResponseWriter, r *http.Request) {
	t := f.sse.find(r.URL.Query().Get("sessionId"), guard.Caller(r.Context()))
	if t == nil {
		http.Error(w, "no such session; open /sse first", http.StatusNotFound)
		return
	}
	if !f.calls.enter() {
		f.refuse(w, "in_flight", http.StatusServiceUnavailable, "too many calls in flight; nothing was done, try again")
		return
	}
	body, ok := f.readBody(w, r)
	if !ok {
		f.calls.leave()
		return
	}
	if err := f.accept(t, body, requestOf(r, "sse")); err != nil {
		f.refuse(w, "stream", http.StatusServiceUnavailable, err.Error()+"; nothing was done")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// accept starts on a message whose call has been counted in; an error says that nothing was started.
func (f *front) accept(t *stream, body []byte, r request) error {
	m, refusal := decode(body)
	if m.isResponse() {
		t.session.deliver(m)
		f.calls.leave()
		return nil
	}
	if err := t.reserve(); err != nil {
		f.calls.leave()
		return err
	}
	ctx := withRequest(t.ctx, r)
	if refusal != nil || !m.hasID() || m.Method == mcp.MethodInitialize || m.Method == mcp.MethodPing {
		defer f.calls.leave()
		if refusal != nil {
			t.put(parts{refusal})
			return nil
		}
		t.session.cancel(m)
		t.put(f.server.handle(ctx, t.session, m))
		return nil
	}
	counted := f.calls
	if m.Method == mcp.MethodSubscriptionsListen && f.streams.enter() { // ends with the stream
		f.calls.leave()
		counted = f.streams
	}
	ctx, end := t.session.begin(ctx, m)
	go func() {
		defer counted.leave()
		defer end()
		answer := f.server.handle(ctx, t.session, m)
		t.session.then(func() { t.put(answer) })
	}()
	return nil
}

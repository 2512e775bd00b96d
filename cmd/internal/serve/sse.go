package serve

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// How much may be unwritten; all chosen. Past maxUnsentBytes on a stream, or half of maxUnsent on all of them, calls are
// refused. What is due by then may take as much again, and a stream whose answer finds no room is ended: what became of
// its calls is for their tools to remember.
const (
	maxUnsentMessages = 1024    // messages to one event stream, calls that will make one included
	maxUnsentBytes    = 1 << 20 // to one event stream
	maxUnsent         = 8 << 20 // bytes to all of them
	messageOverhead   = 128     // bytes that a message costs besides its own
)

// streams are the event streams that are open, by session.
type streams struct {
	unsent room

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

	end  func() // ends ctx
	room *room  // of all streams

	mu     sync.Mutex
	taken  int // places in the queue
	unsent int // bytes
	queue  []parts
	closed bool
}

func newStream(caller string, unsent *room) *stream {
	t := &stream{caller: caller, room: unsent, end: func() {}, wake: make(chan struct{}, 1)}
	t.session = newSession(rand.Text(), t.send, 16) // few, as an idle stream holds the room for them too
	return t
}

// reserve takes a place in the queue.
func (t *stream) reserve() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return errStreamClosed
	case t.taken >= maxUnsentMessages, t.unsent >= maxUnsentBytes:
		return errStreamFull
	case t.room.halfFull():
		return errUnreadFull
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
	size := message.size() + messageOverhead
	if t.unsent > 0 && t.unsent+size > 2*maxUnsentBytes || !t.room.take(size) {
		t.drop()
		t.end()
		return
	}
	t.unsent += size
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

// take empties the queue. What it returns keeps its room until written is told of it.
func (t *stream) take() []parts {
	t.mu.Lock()
	defer t.mu.Unlock()
	messages := t.queue
	t.queue = nil
	return messages
}

func (t *stream) written(messages []parts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken -= len(messages)
	t.free(messages)
}

func (t *stream) free(messages []parts) {
	for _, message := range messages {
		size := message.size() + messageOverhead
		t.unsent -= size
		t.room.give(size)
	}
}

func (t *stream) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop()
}

func (t *stream) drop() {
	t.closed = true
	t.free(t.queue)
	t.queue = nil
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
	body, ok := f.readBody(w, r)
	if !ok {
		return
	}
	if err := f.accept(t, body, requestOf(r, "sse")); err != nil {
		f.refuseBusy(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// accept starts on a message and is then done with its body; an error says that nothing was started.
func (f *front) accept(t *stream, b *body, r request) error {
	m, refusal := decode(b.bytes)
	if m.isResponse() {
		defer b.done()
		t.session.deliver(m)
		return nil
	}
	counted, err := f.enter(m)
	if err != nil {
		b.done()
		return err
	}
	leave := func() {
		counted.leave()
		b.done()
	}
	if err := t.reserve(); err != nil {
		leave()
		return err
	}
	ctx := withRequest(t.ctx, r)
	if refusal != nil || !m.hasID() || m.Method == mcp.MethodInitialize || m.Method == mcp.MethodPing {
		defer leave()
		if refusal != nil {
			t.put(parts{refusal})
			return nil
		}
		t.session.cancel(m)
		t.put(f.server.handle(ctx, t.session, m))
		return nil
	}
	ctx, end := t.session.begin(ctx, m)
	go func() {
		defer leave()
		defer end()
		answer := f.server.handle(ctx, t.session, m)
		t.session.then(func() { t.put(answer) })
	}()
	return nil
}

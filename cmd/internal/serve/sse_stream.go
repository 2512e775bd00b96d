package serve

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// How much may be unwritten. Calls are refused past maxUnsentBytes on a stream, or half of maxUnsent on all streams. What
// is due by then may take as much again. A stream whose answer finds no room is ended, and its tools remember what became
// of its calls.
const (
	maxUnsentMessages = 1024     // messages to one event stream, with the calls that will make one
	maxUnsentBytes    = 1 << 20  // to one event stream
	maxUnsent         = 8 << 20  // bytes to all of them
	messageOverhead   = 128      // bytes that a message costs besides its own
	maxAtOnce         = 32 << 10 // bytes of small messages that are gathered for one write
)

// stream is one client of the HTTP+SSE transport
// (https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse): it listens on /sse and
// sends to /message. mcp-go's own lets the answers pile up for a client that does not read. Here each call takes a place
// in the queue before it starts, and is refused when there is none.
type stream struct {
	session *session
	caller  string
	ctx     context.Context // of its calls; ends with the stream
	end     func()          // ends ctx
	wake    chan struct{}   // has an element when there is something to write
	all     *guard.Budget   // of all streams

	mu     sync.Mutex
	taken  int // places in the queue
	unsent int // bytes
	queue  [][]byte
	closed bool
}

func (s *Server) newStream(caller string, all *guard.Budget) *stream {
	t := &stream{caller: caller, all: all, end: func() {}, wake: make(chan struct{}, 1)}
	t.session = s.newSession(rand.Text(), t.send)
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
	case t.all.Used() >= maxUnsent/2:
		return errUnreadFull
	}
	t.taken++
	return nil
}

// put fills a place; no message gives it back.
func (t *stream) put(message []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if message == nil || t.closed {
		t.taken--
		return
	}
	size := len(message) + messageOverhead
	if t.unsent > 0 && t.unsent+size > 2*maxUnsentBytes || !t.all.Take(size) {
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
	t.put(message)
	return nil
}

func (t *stream) free(messages [][]byte) {
	t.taken -= len(messages)
	for _, message := range messages {
		size := len(message) + messageOverhead
		t.unsent -= size
		t.all.Give(size)
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

// An event of a stream that is a message stands between these.
const (
	eventStart = "event: message\ndata: "
	eventEnd   = "\n\n"
)

// eventConn is the way to an event stream's client: a connection, or an HTTP/2 stream.
type eventConn interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}

// writeEvents fails for a client that does not take them within writeTimeout.
func writeEvents(to eventConn, events []byte) error {
	if err := to.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := to.Write(events)
	return err
}

// flush writes what is in the queue, in writeTimeout as well. A large message is not copied. Messages keep their room until
// they are written.
func (t *stream) flush(to eventConn) error {
	t.mu.Lock()
	messages := t.queue
	t.queue = nil
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.free(messages)
	}()
	if err := to.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	size := 0
	for _, message := range messages {
		size += len(message) + messageOverhead
	}
	out := bufio.NewWriterSize(to, min(size, maxAtOnce))
	for _, message := range messages {
		_, _ = out.WriteString(eventStart)
		_, _ = out.Write(message)
		_, _ = out.WriteString(eventEnd)
	}
	return out.Flush() // says whether one of the writes failed
}

// responseStream is an eventConn that net/http keeps: over HTTP/2, where a connection is not one client's, and of a POST.
type responseStream struct {
	io.Writer
	*http.ResponseController
}

func (s responseStream) Write(events []byte) (int, error) {
	n, err := s.Writer.Write(events)
	return n, errors.Join(err, s.Flush())
}

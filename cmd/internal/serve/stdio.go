package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	// maxUnanswered requests, and maxUnansweredBytes of them, are read before reading itself waits; chosen, as the
	// requests that wait for their turn cost memory, and a ping among them has to be seen.
	maxUnanswered      = 8192
	maxUnansweredBytes = 64 << 20
)

// Stdio serves one client that writes messages to in and reads the answers from out, one a line.
//
// It returns nil when in has ended and every request that was read is answered; when ctx has ended and the calls
// in flight have finished within Server.Grace; an error when they did not, or when reading or writing failed. When
// writing fails it reads no more and waits for the calls in flight, too.
//
// A line longer than Server.MaxMessage is skipped and answered with an error. Past Server.MaxInFlight, calls wait
// for their turn, while pings and cancellations do not. A read from in that is under way when ctx ends is given up:
// its goroutine is left behind unless in has a SetReadDeadline that works, as pipes made by Go have.
//
// A command that serves its standard output has to ignore SIGPIPE, or the Go runtime ends it at the first failed
// write, calls in flight or not.
func (s *Server) Stdio(ctx context.Context, in io.Reader, out io.Writer) error {
	w := newLineWriter(out)
	calls := context.WithoutCancel(ctx) // they have the grace period
	calls, endCalls := context.WithCancel(calls)
	defer endCalls()
	c := &stdioConn{
		server:  s,
		out:     w,
		session: newSession("stdio", func(message []byte) error { return w.write(message) }, 100),
		slots:   make(chan struct{}, s.maxInFlight()),
		backlog: newBacklog(),
		starter: newStarter(maxUnanswered),
	}
	if err := s.MCP.RegisterSession(calls, c.session); err != nil {
		return fmt.Errorf("register the session: %w", err)
	}
	defer s.MCP.UnregisterSession(calls, c.session.id)
	calls = s.MCP.WithContext(withRequest(calls, request{transport: "stdio"}), c.session)
	streams, endStreams := context.WithCancel(calls)
	defer endStreams()
	c.calls, c.streams = calls, streams

	stopStarting := make(chan struct{})
	defer close(stopStarting)
	go c.starter.serve(stopStarting)
	stopNotifying := c.notify()
	read := make(chan error, 1)
	go func() { read <- c.read(newLineReader(in, s.maxMessage())) }()
	err := c.waitForEnd(ctx, in, read)
	endStreams()
	close(c.session.gone)
	err = errors.Join(err, c.drain(ctx, endCalls))
	stopNotifying()
	return err
}

// stdioConn is one client over stdio.
type stdioConn struct {
	server  *Server
	out     *lineWriter
	session *session
	slots   chan struct{} // taken by calls that run
	backlog *backlog
	starter *starter
	calls   context.Context // of requests
	streams context.Context // of subscriptions/listen, which runs until the client goes
}

// waitForEnd returns when nothing more is to be read.
func (c *stdioConn) waitForEnd(ctx context.Context, in io.Reader, read <-chan error) error {
	select {
	case err := <-read:
		if err != nil && err != io.EOF {
			return fmt.Errorf("read: %w", err)
		}
		return nil
	case <-c.out.broken:
	case <-ctx.Done():
	}
	c.backlog.close()
	if pipe, ok := in.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = pipe.SetReadDeadline(time.Unix(1, 0))
	}
	return nil
}

// drain waits for the requests that were read, for as long as ctx lives and the grace period after it.
func (c *stdioConn) drain(ctx context.Context, endCalls func()) error {
	done := c.backlog.close()
	select {
	case <-done:
		return c.out.failure()
	case <-ctx.Done():
	}
	grace := time.NewTimer(c.server.grace())
	defer grace.Stop()
	select {
	case <-done:
		return c.out.failure()
	case <-grace.C:
	}
	endCalls()
	last := time.NewTimer(time.Second) // for calls that heed their context; chosen
	defer last.Stop()
	select {
	case <-done:
		return c.out.failure()
	case <-last.C:
		if c.backlog.size() == 0 { // both came while nobody looked
			return c.out.failure()
		}
		return fmt.Errorf("%d requests were still unanswered after the grace period of %s", c.backlog.size(), c.server.grace())
	}
}

// read handles lines until there are no more.
func (c *stdioConn) read(lines *lineReader) error {
	for {
		line, tooLong, err := lines.next()
		switch {
		case err != nil:
			return err
		case tooLong != nil:
			c.write(parts{errorAnswer(tooLong.id(), mcp.INVALID_REQUEST, fmt.Sprintf(
				"the message is longer than %d bytes and was not read; nothing was done for it", c.server.maxMessage()))})
		case !c.receive(line):
			return nil
		}
	}
}

// receive handles one line; false when the connection is closing. What answers at once is answered here, which
// keeps the handshake in order and pings prompt; every other request gets a goroutine of its own,
// when it may begin.
func (c *stdioConn) receive(line []byte) bool {
	m, refusal := decode(line)
	if m.isResponse() {
		// One that nobody waits for any more is dropped. mcp-go answers it when it is an error, with an id that
		// the client may be using for a request of its own.
		c.session.deliver(m)
		return true
	}
	if refusal != nil {
		c.write(parts{refusal})
		return true
	}
	if !m.hasID() || m.Method == mcp.MethodPing || m.Method == mcp.MethodInitialize {
		c.session.cancel(m)
		c.write(c.server.handle(c.calls, c.session, m))
		return true
	}
	if !c.backlog.enter(len(line)) {
		return false
	}
	base, slots := c.calls, c.slots
	if m.Method == mcp.MethodSubscriptionsListen {
		base, slots = c.streams, nil
	}
	ctx, end := c.session.begin(base, m)
	c.starter.begin(func() { // the backlog bounds the queue
		growStack(len(line))
		defer c.backlog.leave(len(line))
		defer end()
		if slots != nil {
			slots <- struct{}{}
			defer func() { <-slots }()
		}
		answer := c.server.handle(ctx, c.session, m)
		c.session.settle()
		c.starter.giveTurns(1) // before the client can send another
		c.write(answer)
	})
	return true
}

func (c *stdioConn) write(p parts) {
	if p.isNone() {
		return
	}
	_ = c.out.write(p[:]...) // a failure ends the connection through out.broken
}

// notify sends what mcp-go wants to tell the client, until the function returned is called, which sends the rest.
func (c *stdioConn) notify() (stop func()) {
	stopping := make(chan struct{})
	go c.session.run(stopping, func(n mcp.JSONRPCNotification) { c.write(parts{c.server.encodeNotification(n)}) })
	return func() {
		close(stopping)
		<-c.session.ended
	}
}

// encodeNotification is nil when the notification cannot be encoded, or panics when it is.
func (s *Server) encodeNotification(n mcp.JSONRPCNotification) (encoded []byte) {
	defer func() {
		if p := recover(); p != nil {
			s.log().Error("a notification panicked", "method", n.Method, "panic", fmt.Sprintf("%T", p))
			encoded = nil
		}
	}()
	encoded, err := json.Marshal(n)
	if err != nil {
		s.log().Error("a notification could not be encoded", "method", n.Method, "error", err)
		return nil
	}
	return encoded
}

// growStack gives a new goroutine the stack that a call needs, while there is next to nothing on it to be moved: left
// to grow on the way down, it is copied three times, which took 7 % of a call's CPU time.
//
//go:noinline
func growStack(n int) byte {
	var room [8 << 10]byte
	return room[n%len(room)]
}

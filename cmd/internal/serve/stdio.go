package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	// maxUnanswered bytes of requests are read before reading itself waits: the requests that wait for their turn cost
	// memory, and a ping among them has to be seen. A request counts as minRequest bytes at least, so that there are 2048.
	maxUnanswered = 16 << 20
	minRequest    = 8 << 10
)

// Stdio serves one client that writes messages to in and reads the answers from out, one a line.
//
// It returns nil when in has ended and every request that was read is answered, or when ctx has ended and the calls in
// flight have finished within Server.Grace. It returns an error when they did not, or when reading or writing failed.
// When writing fails it reads no more and waits for the calls in flight, too.
//
// A line longer than Server.MaxMessage is skipped and answered with an error. Past Server.MaxInFlight, calls wait for
// their turn, while pings and cancellations do not. A read from in that is under way when ctx ends is abandoned: its
// goroutine stays behind unless in has a SetReadDeadline that works, as pipes made by Go have.
//
// A command that serves its standard output has to ignore SIGPIPE. Otherwise the Go runtime ends it at the first failed
// write, whether or not calls are in flight.
func (s *Server) Stdio(ctx context.Context, in io.Reader, out io.Writer) error {
	w := &lineWriter{out: out}
	w.broken, w.fail = context.WithCancelCause(context.Background())
	calls, endCalls := context.WithCancel(context.WithoutCancel(ctx)) // calls have the grace period
	defer endCalls()
	c := &stdioConn{
		server:     s,
		out:        w,
		session:    s.newSession("stdio", w.write),
		slots:      newInFlight(int64(s.maxInFlight()) * minRequest),
		reads:      newInFlight(s.maxReads() * minRequest),
		unanswered: newInFlight(maxUnanswered),
		ended:      make(chan error, 1),
	}
	var stopReading context.CancelFunc
	c.reading, stopReading = context.WithCancel(ctx)
	defer stopReading()
	if err := s.MCP.RegisterSession(calls, c.session); err != nil {
		return fmt.Errorf("register the session: %w", err)
	}
	defer s.MCP.UnregisterSession(calls, c.session.id)
	c.calls = s.MCP.WithContext(withOrigin(calls, origin{transport: "stdio", stopping: c.reading}), c.session)
	var endStreams context.CancelFunc
	c.streams, endStreams = context.WithCancel(c.calls)
	defer endStreams()

	go c.read(bufio.NewReaderSize(in, 1<<16))
	err := c.waitForEnd(in)
	stopReading()
	endStreams()
	close(c.session.gone)
	err = errors.Join(err, c.drain(ctx, endCalls))
	patience := time.Minute // of a client whose input has ended
	if ctx.Err() != nil {
		patience = time.Second
	}
	select {
	case <-c.session.end():
	case <-time.After(patience): // the client does not read
	}
	return err
}

// stdioConn is one client over stdio.
type stdioConn struct {
	server     *Server
	out        *lineWriter
	session    *session
	slots      inFlight        // in bytes, of calls that run: the answer to a large one is large
	reads      inFlight        // of these, those that only read
	unanswered inFlight        // in bytes
	reading    context.Context // ends when nothing more may begin
	calls      context.Context // of requests
	streams    context.Context // of subscriptions/listen, which runs until the client goes
	ended      chan error      // has the error that reading ended with
}

// waitForEnd returns when nothing more is to be read.
func (c *stdioConn) waitForEnd(in io.Reader) error {
	select {
	case err := <-c.ended:
		if err != nil && err != io.EOF {
			return fmt.Errorf("read: %w", err)
		}
		return nil
	case <-c.out.broken.Done():
	case <-c.reading.Done():
	}
	if pipe, ok := in.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = pipe.SetReadDeadline(time.Unix(1, 0))
	}
	return nil
}

// drain waits for the requests that were read, for as long as ctx lives and the grace period after it.
func (c *stdioConn) drain(ctx context.Context, endCalls func()) error {
	if c.unanswered.Acquire(ctx, c.unanswered.all) != nil {
		if err := c.server.graceful(c.unanswered, endCalls); err != nil {
			return err
		}
	}
	return context.Cause(c.out.broken)
}

// read handles lines until there are no more, or the connection is closing.
func (c *stdioConn) read(in *bufio.Reader) {
	for {
		line, skipped, err := nextLine(in, c.server.maxMessage())
		if err != nil {
			c.ended <- err
			return
		}
		if len(bytes.TrimSpace(bytes.TrimPrefix(line, byteOrderMark))) == 0 && !skipped {
			continue
		}
		m, refusal := decode(line)
		if skipped {
			refusal = errorAnswer(m.ID, mcp.INVALID_REQUEST, fmt.Sprintf(
				"the message is longer than %d bytes and was not read; nothing was done for it", c.server.maxMessage()))
		}
		switch {
		case c.session.deliver(m):
		case refusal != nil:
			_ = c.out.write(refusal)
		case m.answersAtOnce():
			_ = c.out.write(c.server.answerAtOnce(c.calls, c.session, m))
		case c.reading.Err() != nil || c.unanswered.Acquire(c.reading, weight(m)) != nil:
			c.ended <- nil
			return
		default:
			base, room := c.calls, min(weight(m), c.slots.all)
			if m.Method == mcp.MethodSubscriptionsListen { // a stream of events takes no slot
				base, room = c.streams, 0
			}
			ctx, end := c.session.begin(base, m)
			go c.run(ctx, end, room, m)
		}
	}
}

func weight(m *message) int64 { return min(max(int64(len(m.raw)), minRequest), maxUnanswered) }

// run answers a request, on a goroutine of its own, when there is that much room in c.slots.
func (c *stdioConn) run(ctx context.Context, end func(), room int64, m *message) {
	defer c.unanswered.Release(weight(m))
	defer end()
	if c.server.onlyReads(m) {
		room = min(room, c.reads.all)
		_ = c.reads.Acquire(context.Background(), room)
		defer c.reads.Release(room)
	}
	if room > 0 { // for nothing, it would wait, too
		_ = c.slots.Acquire(context.Background(), room)
		defer c.slots.Release(room)
	}
	answer, _ := c.server.answer(ctx, m)
	c.session.settle()
	_ = c.out.write(answer)
}

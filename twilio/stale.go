package twilio

import (
	"net"
	"sync"
	"time"
)

// A stale connection is one that was kept for later calls and that the server has
// closed since. What is written to it reaches nobody, but that cannot be told from
// a lost answer. So attempt looks before it writes, and never afterwards.

// keptConn is a connection that an earlier exchange left open.
type keptConn struct {
	net.Conn
	idle  time.Duration // how long nobody used it
	left  bool          // a byte of the request may have been written
	ended bool          // the exchange is over, so no byte may leave any more
}

// leave is called by net/http when the whole head of the request is in its buffer
// (see writeBuffer), right before it writes the first byte. If the connection is
// stale, leave closes it. Nothing can be written to it then.
func (a *attempt) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.hasConn || a.kept == nil:
	case a.kept.ended || a.ctx.Err() != nil || a.kept.idle > a.trust.limit():
		a.kept.Close()
	default:
		state := look(a.kept.Conn)
		if state == peerClosed || state == peerSpoke && a.kept.idle > ticketsRead {
			a.trust.failed(a.kept.idle)
		}
		if state != open {
			a.kept.Close()
		}
		a.kept.left = state == open
	}
}

// peerState is what look sees in a kept connection.
type peerState int

const (
	open       peerState = iota
	peerClosed           // an end of file or a reset
	peerSpoke            // bytes that are not due: a close_notify of TLS, or an unasked-for 408
)

// ticketsRead is when the session tickets of TLS have surely been read. They can
// be seen in a connection that was made for a call which then got another one.
const ticketsRead = time.Second

// end is called with RoundTrip's error. If no byte was written to a kept
// connection until then, none will be.
func (a *attempt) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		return
	}
	a.kept.ended = true
	if err != nil && a.kept.left && !a.answered.Load() && a.ctx.Err() == nil && a.kept.idle >= time.Second {
		a.trust.failed(a.kept.idle) // perhaps the close was still on its way; no server closes so soon, but any can fail
	}
}

// isStale reports whether the attempt failed only because its connection was
// stale, and nothing was written to it. Then another one can be taken.
func (a *attempt) isStale() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hasConn && a.kept != nil && !a.kept.left && a.waitCtx.Err() == nil
}

// mayReadAgain reports whether a read got no answer on a kept connection: most
// likely, the close of the connection was on its way.
func (a *attempt) mayReadAgain() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isRead && a.kept != nil && a.kept.left && !a.answered.Load() && a.waitCtx.Err() == nil
}

// idleTrust is for how long an idle connection is taken to be open. A server that
// was seen to close one after some time will close the next after about as long. A
// look cannot see a close that is still on its way, so half of that time counts,
// until memory has passed: the server may just have been restarted.
type idleTrust struct {
	mu      sync.Mutex
	lowered time.Duration
	until   time.Time
}

const memory = 10 * time.Minute

func (t *idleTrust) limit() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Now().After(t.until) {
		return idleTimeout
	}
	return t.lowered
}

// failed notes that a connection was closed after it had been idle for so long. A
// close within a millisecond has another reason.
func (t *idleTrust) failed(idle time.Duration) {
	if idle < time.Millisecond {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.After(t.until) || idle/2 < t.lowered {
		t.lowered, t.until = idle/2, now.Add(memory)
	}
}

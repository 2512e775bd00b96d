package twilio

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// attempt decides, once for each HTTP exchange, which came first: the connection,
// or the moment in which the caller gave up.
type attempt struct {
	ctx    context.Context // of this attempt only
	cancel context.CancelCauseFunc
	isRead bool // a GET, which can be given up at any time

	waitCtx context.Context                            // see do
	before  func(ctx context.Context, tries int) error // may be nil
	tries   int
	askedAt time.Time // when before was called, or a little earlier

	trust *idleTrust // how long an idle connection may be used

	mu      sync.Mutex
	hasConn bool
	kept    *keptConn // nil for a new connection
	hookErr error     // the error of before, when it was called again for a connection

	answered atomic.Bool // used only for the error's text
}

// trace does not use WroteRequest: net/http reports a request that is smaller
// than its 4 KiB buffer as written before it writes it.
func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn:              a.gotConn,
		WroteHeaders:         a.leave,
		GotFirstResponseByte: func() { a.answered.Store(true) },
	}
}

// gotConn runs before net/http writes a byte. If the attempt has been given up
// by then, gotConn closes the connection. Nothing can be written to it, so the
// message is certainly not sent.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() == nil && (!info.Reused || elapsed(a.askedAt) > recheckAfter) {
		a.askAgain()
	}
	if a.ctx.Err() != nil {
		info.Conn.Close()
		return
	}
	a.hasConn, a.kept = true, nil
	if info.Reused {
		a.kept = &keptConn{Conn: info.Conn, idle: info.IdleTime}
	}
}

// recheckAfter is how long the before hook's consent is good for without asking
// again. It is longer than it takes to call the hook and to pick up an idle
// connection. It is much shorter than the time after which another process would
// think that this one is dead and release its claim on the message.
const recheckAfter = 100 * time.Millisecond

// elapsed compares two clocks and returns the longer time. The monotonic clock
// stands still while a machine sleeps, and the wall clock can be set back.
func elapsed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// askAgain calls the before hook once more after a wait for a connection. A dial
// can take seconds, and the process may have been stopped for even longer.
func (a *attempt) askAgain() {
	if a.before == nil {
		return
	}
	err := a.before(a.waitCtx, a.tries)
	if err == nil {
		err = context.Cause(a.waitCtx) // the caller may have given up during the hook
	}
	if err != nil {
		a.hookErr = &hookError{err}
		a.cancel(err)
	}
}

// hookError is an error of the before hook. The call is not tried again after it.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

func (a *attempt) giveUp(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.hasConn || a.isRead {
		a.cancel(cause)
	}
}

// connected reports whether the attempt got a connection that took the request.
// From then on, Twilio may have received it.
func (a *attempt) connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hasConn && (a.kept == nil || a.kept.left)
}

func (a *attempt) explain(err error) error {
	switch {
	case a.hookErr != nil:
		return a.hookErr
	case !a.connected():
		return fmt.Errorf("no connection: %w", err)
	case a.answered.Load():
		return fmt.Errorf("the answer broke off before it could be read: %w", err)
	default:
		return fmt.Errorf("no answer came: %w", err)
	}
}

package twilio

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// handover settles, once for an attempt, which came first: a connection, or the
// caller's giving up.
type handover struct {
	ctx    context.Context // the attempt's own
	cancel context.CancelCauseFunc
	read   bool // a GET, which can be given up at any time

	waiting context.Context
	before  func(ctx context.Context, tries int) error // may be nil
	tries   int
	asked   time.Time // when before was, at the latest

	mu      sync.Mutex
	got     bool
	refused error // before's, once there was a connection

	answered atomic.Bool // for the error's text only
}

// trace does without WroteRequest: net/http reports a request of less than its
// 4 KiB buffer as written before it writes it.
func (h *handover) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn:              h.gotConn,
		GotFirstResponseByte: func() { h.answered.Store(true) },
	}
}

// gotConn runs before net/http writes a byte. When the attempt has been given
// up in the same moment, the connection is closed here, so that nothing can be
// written to it: such an attempt is surely not sent.
func (h *handover) gotConn(info httptrace.GotConnInfo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() == nil && (!info.Reused || elapsed(h.asked) > atOnce) {
		h.askAgain()
	}
	if h.ctx.Err() != nil {
		info.Conn.Close()
		return
	}
	h.got = true
}

// atOnce is more than it takes to ask the caller and to get a connection that is
// idle, and much less than it takes anybody to take this process for dead and to
// free what it was about to send; chosen.
const atOnce = 100 * time.Millisecond

// elapsed goes by the clock that went further: the monotonic one stands still
// while a machine sleeps, and the other can be set.
func elapsed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// askAgain asks the caller once more after a connection was waited for, whether
// its own dial or another call's end brought it: a dial takes seconds at worst,
// and a process may have been stopped for longer meanwhile.
func (h *handover) askAgain() {
	if h.before == nil || h.read {
		return
	}
	err := h.before(h.waiting, h.tries)
	if err == nil {
		err = context.Cause(h.waiting) // given up while it was asked
	}
	if err != nil {
		h.refused = &hookError{err}
		h.cancel(err)
	}
}

// hookError is the before hook's: there is nothing to try again.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

func (h *handover) giveUp(cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.got || h.read {
		h.cancel(cause)
	}
}

func (h *handover) attempted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got
}

func (h *handover) explain(err error) error {
	switch {
	case h.refused != nil:
		return h.refused
	case !h.attempted():
		return fmt.Errorf("no connection: %w", err)
	case h.answered.Load():
		return fmt.Errorf("the answer broke off before it could be read: %w", err)
	default:
		return fmt.Errorf("no answer came: %w", err)
	}
}

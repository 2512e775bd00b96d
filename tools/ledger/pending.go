package ledger

import (
	"context"
	"errors"
	"maps"
	"time"
)

// track lets callers of this process wait for a claim of this process.
func (l *Ledger) track(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = map[string]chan struct{}{}
	}
	l.live[token] = make(chan struct{})
}

// untrack lets those who wait look again.
func (l *Ledger) untrack(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if done := l.live[token]; done != nil {
		close(done)
	}
	delete(l.live, token)
	delete(l.pending, token)
}

// pendingSettlement is one that could not be written.
type pendingSettlement struct {
	id int64
	// listed names the content lock of a claim whose commit failed, and may still come; nil of a claim that was granted.
	listed []byte
	Settlement
}

// retries is the goroutine that writes what is pending.
type retries struct {
	stop context.CancelFunc
	done chan struct{}
}

// The pause between two attempts at writing what is pending, doubled after each; chosen.
const (
	retryFirst = 50 * time.Millisecond
	retryLast  = 2 * time.Second
)

// postpone keeps a settlement that could not be written, so that it does not block its content as long as this process
// lives, and sees to it that it is tried again.
func (l *Ledger) postpone(token string, p pendingSettlement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		l.pending = map[string]pendingSettlement{}
	}
	l.pending[token] = p
	if l.retrying == nil && l.book != nil {
		ctx, stop := context.WithCancel(context.Background())
		l.retrying = &retries{stop, make(chan struct{})}
		go l.retry(ctx, l.book, l.retrying)
	}
}

func (l *Ledger) retry(ctx context.Context, book *book, self *retries) {
	defer close(self.done)
	defer self.stop()
	for pause := retryFirst; ; pause = min(2*pause, retryLast) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		l.settlePending(ctx, book)
		l.mu.Lock()
		if len(l.pending) == 0 {
			l.retrying = nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
}

// flush writes what was postponed, one after the other, and stops at the first that fails again. It leaves out what would
// have to be waited for.
func (l *Ledger) flush(ctx context.Context, book *book) {
	for token, p := range l.postponed() {
		if p.listed == nil && !l.settleAgain(ctx, book, token, p) {
			return
		}
	}
}

// settlePending tries all that was postponed.
func (l *Ledger) settlePending(ctx context.Context, book *book) {
	for token, p := range l.postponed() {
		if ctx.Err() != nil {
			return
		}
		l.settleAgain(ctx, book, token, p)
	}
}

func (l *Ledger) postponed() map[string]pendingSettlement {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.pending)
}

func (l *Ledger) settleAgain(ctx context.Context, book *book, token string, p pendingSettlement) (done bool) {
	err := book.settle(ctx, token, p)
	if errors.Is(err, ErrSidKnown) { // both went out; this one is remembered without it
		p.Sid = ""
		err = book.settle(ctx, token, p)
	}
	if err != nil && !errors.Is(err, ErrClaimLost) {
		return false
	}
	l.untrack(token)
	return true
}

// sweep turns the claims of all dead owners to unknown.
func (l *Ledger) sweep(ctx context.Context, book *book) error {
	var claimed, dead []row
	err := book.read(ctx, func(ctx context.Context, db querier) (err error) {
		claimed, err = queryRows(ctx, db, "SELECT "+columns+` FROM twilio_proxy_mcp_sends
			WHERE state IN ('claimed', 'unknown') AND state = 'claimed'`) // the first condition is an index's
		if err != nil {
			return err
		}
		dead = nil
		living := map[string]bool{}
		for _, r := range claimed {
			alive, seen := living[r.owner]
			if !seen {
				if alive, err = book.alive(ctx, db, r.owner); err != nil {
					return err
				}
				living[r.owner] = alive
			}
			if !alive {
				dead = append(dead, r)
			}
		}
		return nil
	})
	if err != nil || len(dead) == 0 {
		return err
	}
	return book.write(ctx, func(ctx context.Context, db querier) error {
		for _, r := range dead {
			if _, err := book.bury(ctx, db, r.ID, r.claim); err != nil {
				return err
			}
		}
		return nil
	})
}

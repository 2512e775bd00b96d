package ledger

import (
	"context"
	"errors"
	"maps"
	"time"
)

// postponed is a settlement that could not be written yet.
type postponed struct {
	id int64
	// listed names the content lock of a claim whose commit failed and may still come. It is nil for a granted claim.
	listed []byte
	Settlement
}

// retries is the goroutine that writes postponed settlements.
type retries struct {
	stop context.CancelFunc
	done chan struct{}
}

// The first and the longest pause between two attempts to write postponed settlements.
const (
	retryFirst = 50 * time.Millisecond
	retryLast  = 2 * time.Second
)

// postpone keeps a settlement until it can be written. Without that the entry would block its content until this process ends.
func (l *Ledger) postpone(token string, p postponed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.postponed == nil {
		l.postponed = map[string]postponed{}
	}
	l.postponed[token] = p
	if l.retrying == nil && l.store != nil && !l.closed {
		ctx, stop := context.WithCancel(context.Background())
		l.retrying = &retries{stop, make(chan struct{})}
		go l.retry(ctx, l.store, l.retrying)
	}
}

func (l *Ledger) retry(ctx context.Context, store *store, self *retries) {
	defer close(self.done)
	defer self.stop()
	for pause := retryFirst; ; pause = min(2*pause, retryLast) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		l.writePostponed(ctx, store, true)
		l.mu.Lock()
		if len(l.postponed) == 0 {
			l.retrying = nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
}

// writePostponed tries to write the postponed settlements. A call that only comes by (patient is false) leaves out those that
// wait for a commit, and stops at the first failure.
func (l *Ledger) writePostponed(ctx context.Context, store *store, patient bool) {
	l.mu.Lock()
	all := maps.Clone(l.postponed)
	l.mu.Unlock()
	for token, p := range all {
		if ctx.Err() != nil {
			return
		}
		if p.listed != nil && !patient {
			continue
		}
		err := l.settle(ctx, store, token, p)
		if errors.Is(err, ErrSidKnown) { // both messages went out; this one is recorded without its SID
			p.Sid = ""
			err = l.settle(ctx, store, token, p)
		}
		if err != nil && !errors.Is(err, ErrClaimLost) && !patient {
			return
		}
	}
}

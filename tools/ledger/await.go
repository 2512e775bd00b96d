package ledger

import (
	"context"
	"fmt"
	"time"
)

// Waiting for a claim that another process holds is done by looking again, from pollFirst to pollLast apart; chosen.
const (
	pollFirst = 5 * time.Millisecond
	pollLast  = 250 * time.Millisecond
)

// await returns the entry of a living owner once it is no claim of a living owner any more.
func (l *Ledger) await(ctx context.Context, book *book, r row) (row, error) {
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		l.mu.Lock()
		done := l.live[r.claim] // nil when another process owns it: blocks for ever
		l.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-done:
		case <-timer.C:
			l.flush(ctx, book) // a settlement of ours that could not be written may be what is waited for
		case <-ctx.Done():
			timer.Stop()
			return row{}, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
		}
		timer.Stop()
		alive := false
		err := book.read(ctx, func(ctx context.Context, db querier) (err error) {
			if r, err = rowByID(ctx, db, r.ID); err == nil && r.State == Claimed {
				alive, err = book.alive(ctx, db, r.owner)
			}
			return err
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return row{}, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
		case err != nil || !alive:
			return r, unavailable("wait for another send of the same", err)
		}
	}
}

package ledger

import (
	"context"
	"errors"
	"maps"
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

// postpone keeps a settlement that could not be written, so that it does not block its content as long as this process lives.
func (l *Ledger) postpone(c *Claim, s Settlement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		l.pending = map[string]pendingSettlement{}
	}
	l.pending[c.token] = pendingSettlement{id: c.ID, Settlement: s}
}

// flush writes what was postponed, one after the other, and stops at the first that fails again.
func (l *Ledger) flush(ctx context.Context, book *book) {
	l.mu.Lock()
	pending := maps.Clone(l.pending)
	l.mu.Unlock()
	for token, p := range pending {
		err := book.settle(ctx, p.id, token, p.Settlement)
		if err != nil && !errors.Is(err, ErrClaimLost) && !errors.Is(err, ErrSidKnown) {
			return
		}
		l.untrack(token)
	}
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

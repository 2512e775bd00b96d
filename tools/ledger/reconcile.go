package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// markUnknown gives up the claim of a dead owner and returns the entry as it is then. The owner may have settled it and ended
// after the entry was read; then its settlement stays.
func markUnknown(ctx context.Context, tx transaction, id ID, token string) (record, error) {
	_, err := tx.exec(ctx, `UPDATE twilio_proxy_mcp_sends SET state = 'unknown', settled = {now}
		WHERE id = $1 AND claim = $2 AND state = 'claimed'`, id.number, token)
	if err != nil {
		return record{}, err
	}
	return recordByID(ctx, tx, id)
}

// markDeadOwners marks the claims of all dead owners as unknown. It waits for nobody who writes while there are no claims.
func (l *Ledger) markDeadOwners(ctx context.Context, store *store) {
	claimed, err := read(ctx, l, func(ctx context.Context, tx transaction) ([]record, error) {
		return queryRecords(ctx, tx, "SELECT "+columns+` FROM twilio_proxy_mcp_sends
			WHERE state IN ('claimed', 'unknown') AND state = 'claimed'`) // the first condition is that of an index
	})
	if err == nil && len(claimed) > 0 {
		err = store.write(ctx, func(ctx context.Context, tx transaction) error {
			for _, r := range claimed {
				alive, err := tx.alive(ctx, r.owner)
				if err == nil && !alive {
					_, err = markUnknown(ctx, tx, r.ID, r.claim)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		cmp.Or(l.Log, slog.Default()).WarnContext(ctx, "ledger: messages of ended processes could not be marked as unknown", "error", err)
	}
}

// Ambiguous says whether an interaction upstream with the listed content of this entry could belong to another entry: to an
// unresolved one, or to a sent one without a known interaction that ended shortly before this one began, or later. Reconcile
// refuses then.
func (l *Ledger) Ambiguous(ctx context.Context, id ID) (bool, error) {
	return read(ctx, l, func(ctx context.Context, tx transaction) (bool, error) { return isAmbiguous(ctx, tx, id) })
}

// ambiguityMargin is how long before an entry began another one may have ended and still be mistaken for it. The upstream's
// times are cut to the second, and the search for an interaction allows for more than that.
const ambiguityMargin = 10 * time.Second

func isAmbiguous(ctx context.Context, tx transaction, id ID) (ambiguous bool, err error) {
	err = tx.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS this JOIN twilio_proxy_mcp_sends AS other
			ON other.listed = this.listed AND other.id <> this.id
			WHERE this.id = $1 AND other.state IN ('claimed', 'unknown'))
		OR EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS this JOIN twilio_proxy_mcp_sends AS other
			ON other.listed = this.listed AND other.id <> this.id
			WHERE this.id = $1 AND other.state = 'sent' AND other.sid IS NULL AND other.settled >= this.begun - $2)`,
		id.number, ambiguityMargin.Milliseconds()).Scan(&ambiguous)
	return ambiguous, err
}

// Reconcile settles an unknown entry with what was found upstream. The transaction that writes it refuses with
// ErrNotUnresolved, ErrOwnerAlive, ErrSidKnown, ErrAmbiguous or ErrNotFound.
func (l *Ledger) Reconcile(ctx context.Context, id ID, s Settlement) error {
	s, err := s.checked()
	if err != nil {
		return err
	}
	if s.State == Sent && s.Sid == "" {
		return errors.New("ledger: reconciling needs the interaction's SID")
	}
	return l.settleUnknown(ctx, id, s, true)
}

// Resolve settles an unknown entry by a person's word, Sent or NotSent. It refuses with ErrNotUnresolved, ErrNotFound or
// ErrOwnerAlive. When the owner lost its PostgreSQL session, it refuses for SessionGrace, because the process may still send.
func (l *Ledger) Resolve(ctx context.Context, id ID, state State) error {
	if state != Sent && state != NotSent {
		return fmt.Errorf("ledger: an entry is resolved as %s or %s, not %q", Sent, NotSent, state)
	}
	return l.settleUnknown(ctx, id, Settlement{State: state}, false)
}

// settleUnknown settles an entry that has no living owner. What was found upstream must not fit another entry, too.
func (l *Ledger) settleUnknown(ctx context.Context, id ID, s Settlement, foundUpstream bool) error {
	store, err := l.open(ctx)
	if err != nil {
		return err
	}
	return l.unavailable("resolve the entry", store.write(ctx, func(ctx context.Context, tx transaction) error {
		r, err := lockEntry(ctx, tx, id)
		if err != nil {
			return err
		}
		alive, ambiguous := false, false
		if r.State == Claimed {
			alive, err = tx.alive(ctx, r.owner)
		}
		if err == nil && foundUpstream {
			ambiguous, err = isAmbiguous(ctx, tx, id)
		}
		switch {
		case err != nil:
			return err
		case alive:
			return ErrOwnerAlive
		case r.State != Claimed && r.State != Unknown:
			return ErrNotUnresolved
		case l.DSN != "" && s.Sid == "" && r.owner != "" && r.Read.Sub(r.Begun) < SessionGrace: // an interaction is proof enough
			return errMayLive
		case ambiguous:
			return ErrAmbiguous
		}
		return updateEntry(ctx, tx, settleEntry, id, r.claim, s)
	}))
}

// lockEntry keeps out other claims and settlements of what looks the same upstream as this entry.
func lockEntry(ctx context.Context, tx transaction, id ID) (record, error) {
	r, err := recordByID(ctx, tx, id)
	if err == nil {
		err = tx.lock(ctx, lockContent, r.listed)
	}
	if err != nil {
		return record{}, err
	}
	return recordByID(ctx, tx, id) // as it is under the lock
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Ambiguous says whether another entry could be the one that an interaction upstream with this entry's listed content
// belongs to: one that is unresolved, or one that was sent shortly before this one began or later and whose interaction is
// not known.
// Reconcile refuses then.
func (l *Ledger) Ambiguous(ctx context.Context, id int64) (bool, error) {
	book, err := l.open(ctx)
	if err != nil {
		return false, err
	}
	var twins bool
	err = book.read(ctx, func(ctx context.Context, db querier) (err error) {
		twins, err = ambiguous(ctx, db, id)
		return err
	})
	return twins, unavailable("read the ledger", err)
}

// twinMargin is how long before an entry began another one may have ended and its interaction still look as if it were this
// entry's: the upstream's times are cut to the second, and a look allows for that; chosen with room to spare.
const twinMargin = 10 * time.Second

func ambiguous(ctx context.Context, db querier, id int64) (twins bool, err error) {
	err = db.row(ctx, `SELECT EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS this JOIN twilio_proxy_mcp_sends AS other
			ON other.listed = this.listed AND other.id <> this.id
			WHERE this.id = $1 AND other.state IN ('claimed', 'unknown'))
		OR EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS this JOIN twilio_proxy_mcp_sends AS other
			ON other.listed = this.listed AND other.id <> this.id
			WHERE this.id = $1 AND other.state = 'sent' AND other.sid IS NULL AND other.settled >= this.begun - $2)`, id, twinMargin.Milliseconds()).Scan(&twins)
	return twins, err
}

// Reconcile settles an unknown entry with what was found upstream. It refuses with ErrNotUnresolved, ErrOwnerAlive,
// ErrSidKnown, ErrAmbiguous or ErrNotFound, all checked in the transaction that writes.
func (l *Ledger) Reconcile(ctx context.Context, id int64, s Settlement) error {
	s, err := s.checked()
	if err != nil {
		return err
	}
	if s.State == Sent && s.Sid == "" {
		return errors.New("ledger: reconciling needs the interaction's SID")
	}
	return l.resolve(ctx, id, s, true)
}

// Resolve settles an unknown entry by a person's word, Sent or NotSent. It refuses with ErrNotUnresolved, ErrOwnerAlive or
// ErrNotFound. ErrOwnerAlive also goes with an entry on PostgreSQL that was begun less than a minute ago and whose owner
// lost its session without a word: the process may live, and be sending.
func (l *Ledger) Resolve(ctx context.Context, id int64, state State) error {
	if state != Sent && state != NotSent {
		return fmt.Errorf("ledger: an entry is resolved as %s or %s, not %q", Sent, NotSent, state)
	}
	return l.resolve(ctx, id, Settlement{State: state}, false)
}

func (l *Ledger) resolve(ctx context.Context, id int64, s Settlement, guess bool) error {
	if l.unmade() {
		return ErrNotFound
	}
	book, err := l.open(ctx)
	if err != nil {
		return err
	}
	var verdict error
	err = book.write(ctx, func(ctx context.Context, db querier) (err error) {
		verdict, err = book.resolve(ctx, db, id, s, guess)
		return err
	})
	switch {
	case isUnique(err):
		return ErrSidKnown
	case err != nil:
		return unavailable("resolve the entry", err)
	}
	return verdict
}

func (b *book) resolve(ctx context.Context, db querier, id int64, s Settlement, guess bool) (verdict, err error) {
	if verdict, err := b.lockEntry(ctx, db, id); verdict != nil || err != nil {
		return verdict, err
	}
	r, err := rowByID(ctx, db, id)
	if err != nil {
		return nil, err
	}
	switch r.State {
	case Unknown:
	case Claimed:
		if alive, err := b.alive(ctx, db, r.owner); err != nil || alive {
			return ErrOwnerAlive, err
		}
	default:
		return ErrNotUnresolved, nil
	}
	// Who has found the interaction need not wait for its owner.
	if s.Sid == "" && r.owner != "" && r.Read.Sub(r.Begun) < b.grace() {
		return errMayLive, nil
	}
	if guess {
		if twins, err := ambiguous(ctx, db, id); err != nil || twins {
			return ErrAmbiguous, err
		}
	}
	return b.settleIn(ctx, db, settleEntry, id, r.claim, s)
}

// lockEntry keeps other claims and resolutions of the entry's content out; the verdict is ErrNotFound when there is no entry.
func (b *book) lockEntry(ctx context.Context, db querier, id int64) (verdict, err error) {
	var listed []byte
	err = db.row(ctx, "SELECT listed FROM twilio_proxy_mcp_sends WHERE id = $1", id).Scan(&listed)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, b.lock(ctx, db, lockContent, listed)
}

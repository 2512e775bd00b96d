package ledger

import (
	"bytes"
	"context"
)

// Known is what Claim would answer because of an entry: Replay, Unresolved or Conflict; or InProgress, where Claim would
// wait. Its Verdict is zero where Claim would grant the send or meet a cap.
func (l *Ledger) Known(ctx context.Context, in Intent) (Decision, error) {
	if err := in.check(); err != nil {
		return Decision{}, err
	}
	book, err := l.open(ctx)
	if err != nil {
		return Decision{}, err
	}
	l.flush(ctx, book)
	var decision Decision
	err = book.write(ctx, func(ctx context.Context, db querier) (err error) {
		var blocker *row
		if decision, blocker, err = book.known(ctx, db, in, book.digests(in)); blocker != nil {
			decision = Decision{Verdict: InProgress, Entry: blocker.Entry}
		}
		return err
	})
	if err != nil {
		return Decision{}, unavailable("look for the send", err)
	}
	return decision, nil
}

// known finds what stands against sending; a zero Decision and no blocker is nothing.
func (b *book) known(ctx context.Context, db querier, in Intent, d digests) (decision Decision, blocker *row, err error) {
	if err := b.lock(ctx, db, lockContent, d.listed); err != nil {
		return Decision{}, nil, err
	}
	rows, err := b.related(ctx, db, in, d)
	if err != nil {
		return Decision{}, nil, err
	}
	return b.judge(ctx, db, rows, d)
}

// A keyless call meets what was sent lately and every unresolved entry of its content; a keyed one meets the entry of its key
// that counts, of which there is one at most, or else the latest, and the unresolved keyless entries of its content.
const (
	relatedKeyless = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE content = $1 AND state = 'sent' AND settled > {now} - $2 ORDER BY settled DESC LIMIT 1) AS lately
	UNION ALL SELECT ` + columns + ` FROM twilio_proxy_mcp_sends WHERE content = $1 AND state IN ('claimed', 'unknown')`
	relatedKeyed = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE idem = $2 ORDER BY (state IN ('claimed', 'unknown', 'sent')) DESC, id DESC LIMIT 1) AS named
	UNION ALL SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE content = $1 AND state IN ('claimed', 'unknown') AND idem IS NULL`
)

// related reads what the intent has to be compared with. A settlement that lies in the future, because a clock went back,
// counts as lately.
func (b *book) related(ctx context.Context, db querier, in Intent, d digests) ([]row, error) {
	if d.idem != nil {
		return queryRows(ctx, db, relatedKeyed, d.content, d.idem)
	}
	window := in.Window.Milliseconds()
	if window <= 0 {
		window = -1 << 52 // settled later than in 140,000 years: none
	}
	return queryRows(ctx, db, relatedKeyless, d.content, window)
}

// judge finds it among the rows.
func (b *book) judge(ctx context.Context, db querier, rows []row, d digests) (Decision, *row, error) {
	var living, unresolved *row
	for i := range rows {
		r := &rows[i]
		if d.idem != nil && bytes.Equal(r.idem, d.idem) && !bytes.Equal(r.content, d.content) {
			return Decision{Verdict: Conflict, Entry: r.Entry}, nil, nil
		}
		if r.State == Claimed {
			alive, err := b.alive(ctx, db, r.owner)
			if err != nil {
				return Decision{}, nil, err
			}
			if alive {
				living = r
				continue
			}
			if *r, err = b.bury(ctx, db, r.ID, r.claim); err != nil {
				return Decision{}, nil, err
			}
		}
		switch {
		case r.State == Sent && d.sharedBy(*r):
			return Decision{Verdict: Replay, Entry: r.Entry}, nil, nil
		case r.State == Unknown:
			unresolved = r
		}
	}
	switch {
	case living != nil:
		return Decision{}, living, nil
	case unresolved != nil:
		return Decision{Verdict: Unresolved, Entry: unresolved.Entry}, nil, nil
	}
	return Decision{}, nil, nil
}

// bury turns the claim of a dead owner to unknown and returns what the entry is then: an owner that settled its claim and
// ended since the entry was read is dead, too, and has the word.
func (b *book) bury(ctx context.Context, db querier, id int64, claim string) (row, error) {
	_, err := db.exec(ctx, `UPDATE twilio_proxy_mcp_sends SET state = 'unknown', settled = {now}
		WHERE id = $1 AND claim = $2 AND state = 'claimed'`, id, claim)
	if err != nil {
		return row{}, err
	}
	return rowByID(ctx, db, id)
}

package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"
)

// Verdict is what Claim decided.
type Verdict int

// The verdicts. Only Granted allows to send.
const (
	Granted    Verdict = iota + 1 // Decision.Claim: send, and settle it
	Replay                        // Decision.Entry was sent already: its receipt is the answer
	Unresolved                    // Decision.Entry blocks: nobody knows whether it was sent; Reconcile or Resolve, then claim again
	Conflict                      // the idempotency key came first with the other content of Decision.Entry
	OverLimit                     // a cap of Intent.Limits is reached; Decision.RetryAfter
)

// Decision is the answer to an Intent.
type Decision struct {
	Verdict        Verdict
	Claim          *Claim        // of Granted
	Entry          Entry         // of Replay, Unresolved, Conflict and Granted
	RetryAfter     time.Duration // of OverLimit: when the cap has room again
	PerParticipant bool          // of OverLimit: the participant's cap, not the one over all
}

// Claim is the right to send one message once. It ends with Settle; a claim that is never settled becomes unknown when its
// owner, this process, ends.
type Claim struct {
	ID    int64
	Begun time.Time // the ledger's clock

	ledger       *Ledger
	token, owner string
}

// Claim asks to send a message. The claim it grants is durable. While a living owner holds the same message, it waits until
// that one is settled and shares what came of it; when ctx ends first, the error is ErrInProgress. Any error means that
// nothing was granted.
func (l *Ledger) Claim(ctx context.Context, in Intent) (Decision, error) {
	if err := in.check(); err != nil {
		return Decision{}, err
	}
	book, err := l.open(ctx)
	if err != nil {
		return Decision{}, err
	}
	l.flush(ctx, book)
	d := book.digests(in)
	for {
		decision, blocker, err := l.decide(ctx, book, in, d)
		if err != nil || blocker == nil {
			return decision, err
		}
		settled, err := l.await(ctx, book, *blocker)
		if err != nil {
			return Decision{}, err
		}
		if settled.State == Sent && d.sharedBy(settled) {
			return Decision{Verdict: Replay, Entry: settled.Entry}, nil
		}
	}
}

// errOwnerGone: the lock that shows this process alive was lost before the claim was made.
var errOwnerGone = errors.New("the connection that shows this process alive was lost")

// decide answers the intent in one transaction, or names the living claim that has to be waited for.
func (l *Ledger) decide(ctx context.Context, book *book, in Intent, d digests) (decision Decision, blocker *row, err error) {
	for attempt := 0; attempt < 3; attempt++ {
		var owner string
		if owner, err = book.owner(ctx); err != nil {
			break
		}
		claim := &Claim{ledger: l, token: rand.Text(), owner: owner}
		l.track(claim.token)
		err = book.write(ctx, func(ctx context.Context, db querier) error {
			decision, blocker, err = book.decide(ctx, db, in, d, claim)
			return err
		})
		if err == nil && decision.Verdict == Granted {
			return decision, nil, nil
		}
		if err != nil && claim.ID != 0 { // a commit that failed may still have happened
			l.postpone(claim.token, pendingSettlement{id: claim.ID, listed: d.listed, Settlement: Settlement{State: NotSent}})
		} else {
			l.untrack(claim.token)
		}
		if errors.Is(err, errOwnerGone) {
			book.disown(owner)
		} else if !isUnique(err) { // two contents under one new key at the same moment: look again
			break
		}
	}
	if err != nil {
		return Decision{}, nil, unavailable("record the send", err)
	}
	return decision, blocker, nil
}

func (b *book) decide(ctx context.Context, db querier, in Intent, d digests, claim *Claim) (Decision, *row, error) {
	if err := b.lock(ctx, db, lockContent, d.listed); err != nil {
		return Decision{}, nil, err
	}
	rows, err := b.related(ctx, db, in, d)
	if err != nil {
		return Decision{}, nil, err
	}
	decision, blocker, err := b.judge(ctx, db, rows, d)
	if err != nil || blocker != nil || decision.Verdict != 0 {
		return decision, blocker, err
	}
	if decision, err = b.limit(ctx, db, in); err != nil || decision.Verdict != 0 {
		return decision, nil, err
	}
	r, err := b.insert(ctx, db, in, d, claim)
	if err != nil {
		return Decision{}, nil, err
	}
	claim.ID, claim.Begun = r.ID, r.Begun
	return Decision{Verdict: Granted, Claim: claim, Entry: r.Entry}, nil, nil
}

// A keyless call meets what was sent lately and every unresolved entry of its content; a keyed one meets the latest entry of
// its key and the unresolved keyless entries of its content.
const (
	relatedKeyless = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE content = $1 AND state = 'sent' AND settled > {now} - $2 ORDER BY settled DESC LIMIT 1) AS lately
	UNION ALL SELECT ` + columns + ` FROM twilio_proxy_mcp_sends WHERE content = $1 AND state IN ('claimed', 'unknown')`
	relatedKeyed = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE idem = $2 ORDER BY id DESC LIMIT 1) AS named
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

// judge finds what stands against sending; a zero Decision and no blocker is nothing.
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

func (b *book) insert(ctx context.Context, db querier, in Intent, d digests, claim *Claim) (row, error) {
	var upstream sql.NullInt64
	if in.UpstreamBegun != nil {
		upstream = millis(in.UpstreamBegun())
	}
	r, err := scanRow(db.row(ctx, `INSERT INTO twilio_proxy_mcp_sends (claim, owner, account, host, service, session,
		participant, content, listed, idem, upstream_begun, state, begun)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'claimed', {now} WHERE {held}
		RETURNING `+columns, claim.token, claim.owner, in.Scope.Account, in.Scope.Host, in.Service, in.Session,
		in.Participant, d.content, d.listed, d.idem, upstream))
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, errOwnerGone
	}
	return r, err
}

func rowByID(ctx context.Context, db querier, id int64) (row, error) {
	r, err := scanRow(db.row(ctx, "SELECT "+columns+" FROM twilio_proxy_mcp_sends WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, ErrNotFound
	}
	return r, err
}

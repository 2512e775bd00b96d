package ledger

import (
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
	InProgress                    // a living owner is sending Decision.Entry; of Known alone, as Claim waits for it
)

// Decision is the answer to an Intent.
type Decision struct {
	Verdict        Verdict
	Claim          *Claim        // of Granted
	Entry          Entry         // of every other verdict
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
	decision, blocker, err := b.known(ctx, db, in, d)
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

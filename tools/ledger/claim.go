package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Verdict is what Claim decided.
type Verdict int

// The verdicts. Only Granted allows to send.
const (
	Granted    Verdict = iota + 1 // Decision.Claim: send, then settle it
	Replay                        // Decision.Entry was sent already; its receipt is the answer
	Unresolved                    // nobody knows whether Decision.Entry was sent; call Reconcile or Resolve, then claim again
	Conflict                      // the idempotency key already belongs to other content, that of Decision.Entry
	OverLimit                     // a cap of Intent.Limits is reached; wait for Decision.RetryAfter
	inProgress                    // a living owner is sending Decision.Entry
)

// Decision is the answer to an Intent.
type Decision struct {
	Verdict        Verdict
	Claim          *Claim        // with Granted
	Entry          Entry         // with every verdict except OverLimit
	RetryAfter     time.Duration // with OverLimit: when the cap allows the next claim
	PerParticipant bool          // with OverLimit: it is the participant's cap

	awaited string // with inProgress: the token of its claim
}

// Claim is the right to send one message once. It ends with Settle. If this process ends first, the message becomes unknown.
type Claim struct {
	ID ID

	ledger       *Ledger
	token, owner string
}

// Claim asks to send a message. A granted claim is durable. While a living owner sends the same message, Claim waits and then
// shares the outcome; when ctx ends first, the error is ErrInProgress. When nobody sent it, and Intent.Until is over, the error
// is ErrTooLate. After any error nothing is granted.
func (l *Ledger) Claim(ctx context.Context, in Intent) (Decision, error) {
	if err := in.check(); err != nil {
		return Decision{}, err
	}
	begin, stop := context.WithDeadline(ctx, cmp.Or(in.Until, time.Now().Add(time.Hour)))
	defer stop()
	store, err := l.open(begin)
	if err != nil {
		return Decision{}, err
	}
	l.writePostponed(begin, store, false)
	for d := store.digests(in); begin.Err() == nil; {
		decision, err := l.tryClaim(begin, store, in, d)
		if err != nil || decision.Verdict != inProgress {
			return decision, err
		}
		r, err := l.await(ctx, store, decision.Entry.ID, decision.awaited)
		switch {
		case err != nil:
			return Decision{}, err
		case r.State == Sent && d.mayShare(r):
			return Decision{Verdict: Replay, Entry: r.Entry}, nil
		case begin.Err() != nil && (r.State == Claimed || r.State == Unknown):
			return Decision{Verdict: Unresolved, Entry: r.Entry}, nil
		}
	}
	return Decision{}, cmp.Or(ctx.Err(), ErrTooLate)
}

// Known says what Claim would answer because of an earlier entry, and waits as Claim does, but claims nothing: Replay,
// Unresolved or Conflict. The Verdict is zero where Claim would grant the message or meet a cap.
func (l *Ledger) Known(ctx context.Context, in Intent) (Decision, error) {
	in.known = true
	if !in.Until.IsZero() && time.Until(in.Until) < time.Second { // it is never too late to ask
		in.Until = time.Now().Add(time.Second)
	}
	return l.Claim(ctx, in)
}

// tryClaim does not wait for another owner. It repeats the transaction when this process lost its proof of life, or when a new
// key came with two contents at the same moment.
func (l *Ledger) tryClaim(ctx context.Context, store *store, in Intent, d digests) (decision Decision, err error) {
	for range 3 {
		var owner string
		if owner, err = store.owner(ctx); err != nil {
			break
		}
		claim := &Claim{ledger: l, token: rand.Text(), owner: owner}
		l.unsettled.Store(claim.token, make(chan struct{}))
		err = store.write(ctx, func(ctx context.Context, tx transaction) error {
			decision, err = store.grant(ctx, tx, in, d, claim)
			return err
		})
		if err == nil && decision.Verdict == Granted {
			store.latest.Store(&claim.ID)
			return decision, nil
		}
		if err != nil && claim.ID.number != 0 { // a commit that failed may still have happened
			l.postpone(claim.token, postponed{id: claim.ID, listed: d.listed, Settlement: Settlement{State: NotSent}})
		} else {
			l.untrack(claim.token)
		}
		if errors.Is(err, errOwnerGone) {
			store.dropOwner(owner)
		} else if !isUnique(err) {
			break
		}
	}
	if err != nil {
		return Decision{}, l.unavailable("record the send", err)
	}
	return decision, nil
}

// untrack wakes the callers of this process that wait for the claim, and forgets it.
func (l *Ledger) untrack(token string) {
	if settled, there := l.unsettled.LoadAndDelete(token); there {
		close(settled.(chan struct{}))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.postponed, token)
}

// The first and the longest pause between two looks at an entry that another process is sending.
const pollFirst, pollLast = 5 * time.Millisecond, 250 * time.Millisecond

// await returns an entry of a living owner as soon as it is settled or its owner is dead. token is that of its claim.
func (l *Ledger) await(ctx context.Context, store *store, id ID, token string) (r record, err error) {
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		settled, _ := l.unsettled.Load(token)
		mine, _ := settled.(chan struct{}) // nil when another process owns the claim: it blocks for ever
		select {
		case <-mine:
		case <-time.After(pause):
			l.writePostponed(ctx, store, false) // it may be what this call waits for
		case <-ctx.Done(): // the read fails
		}
		alive := false
		err := store.read(ctx, func(ctx context.Context, tx transaction) (err error) {
			if r, err = recordByID(ctx, tx, id); err == nil && r.State == Claimed {
				alive, err = tx.alive(ctx, r.owner)
			}
			return err
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return record{}, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
		case err != nil || !alive:
			return r, l.unavailable("wait for another send of the same", err)
		}
	}
}

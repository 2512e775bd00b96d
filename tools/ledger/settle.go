package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Settlement is how a send ended.
type Settlement struct {
	State State  // Sent, Refused, NotSent or Unknown
	Sid   string // the interaction's SID, "" when it is not known; at most one entry has it
	// Receipt is the upstream's answer, a JSON object or nil. Its `data` member, the message, is dropped.
	Receipt       json.RawMessage
	Code          string    // a short machine-readable code of a refusal, never the upstream's text
	RequestID     string    // the upstream's name for the exchange
	UpstreamBegun time.Time // corrects the entry's; a zero time does not
}

func (s Settlement) checked() (Settlement, error) {
	switch s.State {
	case Sent, Refused, NotSent, Unknown:
	default:
		return s, fmt.Errorf("ledger: %q does not settle a claim", s.State)
	}
	if s.Sid != "" && s.State != Sent {
		return s, errors.New("ledger: only a sent message has an interaction")
	}
	if s.Receipt == nil {
		return s, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(s.Receipt, &members); err != nil {
		return s, errors.New("ledger: the receipt is not a JSON object") // the parser's error could quote the message
	}
	for name := range members {
		if strings.EqualFold(name, "data") {
			delete(members, name)
		}
	}
	receipt, err := json.Marshal(members)
	s.Receipt = receipt
	return s, err
}

// Stands returns nil while the claim still stands. The owner asks immediately before it sends: it may have been stopped, or
// have lost its database, and been taken for dead meanwhile. After any error it must not send.
func (c *Claim) Stands(ctx context.Context) error {
	store, err := c.ledger.open(ctx)
	if err != nil {
		return err
	}
	var stands bool
	err = store.asOwner(ctx, c.owner, c.ID.number, func(ctx context.Context, tx transaction) error {
		return tx.queryRow(ctx, `SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE id = $1 AND claim = $2 AND state = 'claimed'`,
			c.ID.number, c.token).Scan(&stands)
	})
	if err == nil && !stands {
		err = cmp.Or(store.read(ctx, store.check), ErrClaimLost)
	}
	return c.ledger.unavailable("see whether the claim stands", err)
}

// Settle records how the send ended. The owner knows best, so it also settles an entry that became unknown meanwhile. Sent even
// overrules a person who resolved the entry as not sent. Any other resolution stays, and the error is ErrClaimLost.
// ErrSidKnown says that another entry has the SID. After any other error the entry stays claimed; the ledger keeps the
// settlement in memory and writes it as soon as the database allows. To settle again in the same way does nothing.
func (c *Claim) Settle(ctx context.Context, s Settlement) error {
	s, err := s.checked()
	if err != nil {
		return err
	}
	p := postponed{id: c.ID, Settlement: s}
	store, err := c.ledger.open(ctx)
	if err == nil {
		err = c.ledger.settle(ctx, store, c.token, p)
	}
	if err != nil && !errors.Is(err, ErrClaimLost) && !errors.Is(err, ErrSidKnown) {
		c.ledger.postpone(c.token, p)
	}
	return err
}

// settle writes a settlement in the name of the claim's owner, if the claim's token is still the entry's.
func (l *Ledger) settle(ctx context.Context, store *store, token string, p postponed) error {
	err := store.write(ctx, func(ctx context.Context, tx transaction) error {
		if p.listed != nil { // a commit that may still come holds this lock until everybody sees its entry
			if err := tx.lock(ctx, lockContent, p.listed); err != nil {
				return err
			}
		}
		err := updateEntry(ctx, tx, settleEntry, p.id, token, p.Settlement)
		if !errors.Is(err, ErrClaimLost) || p.State != Sent {
			return err
		}
		if _, err := lockEntry(ctx, tx, p.id); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		return updateEntry(ctx, tx, overruleEntry, p.id, token, p.Settlement)
	})
	err = l.unavailable("settle the send", err)
	if err == nil || errors.Is(err, ErrClaimLost) {
		l.untrack(token)
	}
	return err
}

// Settling takes the owner away: an unknown entry that still has one was taken from it before it settled. overruleEntry is for
// an entry that a person resolved as not sent; it gives up the key when a later entry has it.
const (
	settleSet = `UPDATE twilio_proxy_mcp_sends AS this SET state = $3, settled = {now}, sid = $4, receipt = $5, code = $6,
		request_id = $7, upstream_begun = coalesce($8, upstream_begun), owner = ''`
	settleEntry   = settleSet + ` WHERE id = $1 AND claim = $2 AND state IN ('claimed', 'unknown')`
	overruleEntry = settleSet + `, idem = CASE WHEN EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS other
			WHERE other.idem = this.idem AND other.id <> this.id AND other.state IN ('claimed', 'unknown', 'sent'))
			THEN NULL ELSE idem END
		WHERE id = $1 AND claim = $2 AND state = 'not_sent'`
)

// updateEntry runs one of the updates above. The error is ErrClaimLost when it finds no entry, unless the entry already is
// what it would become.
func updateEntry(ctx context.Context, tx transaction, update string, id ID, token string, s Settlement) error {
	result, err := tx.exec(ctx, update, id.number, token, string(s.State), text(s.Sid), text(string(s.Receipt)), text(s.Code),
		text(s.RequestID), millis(s.UpstreamBegun))
	if isUnique(err) {
		return ErrSidKnown
	}
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	r, err := recordByID(ctx, tx, id)
	if errors.Is(err, ErrNotFound) || err == nil && (r.claim != token || r.State != s.State || r.Sid != s.Sid) {
		return ErrClaimLost
	}
	return err
}

// postponed is a settlement that could not be written yet.
type postponed struct {
	id     ID
	listed []byte // names the content lock of a claim whose commit failed and may still come; nil for a granted claim
	Settlement
}

// retries is the goroutine that writes postponed settlements.
type retries struct {
	stop context.CancelFunc
	done chan struct{}
}

// The first and the longest pause between two attempts to write postponed settlements.
const retryFirst, retryLast = 50 * time.Millisecond, 2 * time.Second

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

// writePostponed tries to write the postponed settlements. With patient false, it leaves out those that wait for a commit,
// and stops at the first failure: the caller has something else to do.
func (l *Ledger) writePostponed(ctx context.Context, store *store, patient bool) {
	l.mu.Lock()
	all := maps.Clone(l.postponed)
	l.mu.Unlock()
	for token, p := range all {
		if p.listed != nil && !patient {
			continue
		}
		err := l.settle(ctx, store, token, p)
		if errors.Is(err, ErrSidKnown) { // both messages went out; this one is recorded without its SID
			p.Sid, p.Receipt = "", nil
			err = l.settle(ctx, store, token, p)
		}
		if err != nil && !errors.Is(err, ErrClaimLost) && !patient {
			return
		}
	}
}

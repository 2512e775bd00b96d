package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Settlement is how a send ended.
type Settlement struct {
	State State // Sent, Refused, NotSent or Unknown
	// Sid is the interaction's SID, "" when it is not known. It is in one entry at most.
	Sid string
	// Receipt is the upstream's answer, a JSON object or nil. Its `data` member, the message, is dropped.
	Receipt   json.RawMessage
	Code      string // a short machine-readable code of a refusal; never a text of the upstream's
	RequestID string // the upstream's name for the exchange
	// UpstreamBegun corrects the entry's; zero leaves it as it is.
	UpstreamBegun time.Time
}

// Stands says whether the claim still stands: nil is yes. An owner asks immediately before it hands the request to the
// network, since it may have been stopped, or have lost its database, and been taken for dead. Any error means: do not send.
func (c *Claim) Stands(ctx context.Context) error {
	book, err := c.ledger.open(ctx)
	if err != nil {
		return err
	}
	var stands bool
	err = book.holding(ctx, c.owner, func(ctx context.Context, db querier) error {
		return db.row(ctx, `SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE id = $1 AND claim = $2 AND state = 'claimed'`,
			c.ID, c.token).Scan(&stands)
	})
	if err == nil && !stands {
		err = ErrClaimLost
	}
	return unavailable("see whether the claim stands", err)
}

// Settle records how the send ended. It is the owner's own word, so it also settles an entry that was taken for unknown
// meanwhile, and what was sent also one that somebody resolved as not sent; one that was resolved otherwise stays, and the
// error is ErrClaimLost. ErrSidKnown: another entry has the
// SID. After any other error the entry stands as claimed; the ledger keeps the settlement in this process and writes it as
// soon as the database allows. Settling again in the same way does nothing.
func (c *Claim) Settle(ctx context.Context, s Settlement) error {
	s, err := s.checked()
	if err != nil {
		return err
	}
	book, err := c.ledger.open(ctx)
	if err == nil {
		err = book.settle(ctx, c.token, pendingSettlement{id: c.ID, Settlement: s})
	}
	if err == nil || errors.Is(err, ErrClaimLost) {
		c.ledger.untrack(c.token)
	} else if !errors.Is(err, ErrSidKnown) {
		c.ledger.postpone(c.token, pendingSettlement{id: c.ID, Settlement: s})
	}
	return err
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
		return s, errors.New("ledger: the receipt is not a JSON object") // the parser's words could quote it
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

// An entry that was settled has no owner any more: an unknown one that has was taken from its owner, who never said a word.
//
// overruleEntry leaves the key to a later entry that has it.
const (
	settleSet = `UPDATE twilio_proxy_mcp_sends AS this SET state = $3, settled = {now}, sid = $4, receipt = $5, code = $6,
		request_id = $7, upstream_begun = coalesce($8, upstream_begun), owner = ''`
	settleEntry   = settleSet + ` WHERE id = $1 AND claim = $2 AND state IN ('claimed', 'unknown')`
	overruleEntry = settleSet + `, idem = CASE WHEN EXISTS (SELECT 1 FROM twilio_proxy_mcp_sends AS other
			WHERE other.idem = this.idem AND other.id <> this.id AND other.state IN ('claimed', 'unknown', 'sent'))
			THEN NULL ELSE idem END
		WHERE id = $1 AND claim = $2 AND state = 'not_sent'`
)

// settle is a compare-and-set by the claim's token, in the owner's own name.
func (b *book) settle(ctx context.Context, token string, p pendingSettlement) error {
	var verdict error
	err := b.write(ctx, func(ctx context.Context, db querier) (err error) {
		if p.listed != nil { // a commit that still may come holds this lock until everybody sees what it made
			if err := b.lock(ctx, db, lockContent, p.listed); err != nil {
				return err
			}
		}
		verdict, err = b.settleIn(ctx, db, settleEntry, p.id, token, p.Settlement)
		if err == nil && verdict == ErrClaimLost && p.State == Sent {
			verdict, err = b.overrule(ctx, db, token, p)
		}
		return err
	})
	if isUnique(err) {
		return ErrSidKnown
	}
	if err != nil {
		return unavailable("settle the send", err)
	}
	return verdict
}

// overrule records that a message was sent after all although somebody said that it was not.
func (b *book) overrule(ctx context.Context, db querier, token string, p pendingSettlement) (verdict, err error) {
	if verdict, err := b.lockEntry(ctx, db, p.id); verdict != nil || err != nil {
		return ErrClaimLost, err
	}
	return b.settleIn(ctx, db, overruleEntry, p.id, token, p.Settlement)
}

func (b *book) settleIn(ctx context.Context, db querier, update string, id int64, token string, s Settlement) (verdict, err error) {
	known, err := sidElsewhere(ctx, db, id, s.Sid)
	if err != nil || known {
		return ErrSidKnown, err
	}
	result, err := db.exec(ctx, update, id, token, string(s.State), text(s.Sid), text(string(s.Receipt)), text(s.Code),
		text(s.RequestID), millis(s.UpstreamBegun))
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	r, err := rowByID(ctx, db, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrClaimLost, nil
	case err != nil:
		return nil, err
	case r.claim == token && r.State == s.State && r.Sid == s.Sid:
		return nil, nil
	}
	return ErrClaimLost, nil
}

func sidElsewhere(ctx context.Context, db querier, id int64, sid string) (known bool, err error) {
	if sid == "" {
		return false, nil
	}
	err = db.row(ctx, "SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE sid = $1 AND sid IS NOT NULL AND id <> $2", sid, id).Scan(&known)
	return known, err
}

// millis stores a zero time as NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

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
// meanwhile; one that somebody resolved otherwise stays, and the error is ErrClaimLost. ErrSidKnown: another entry has the
// SID. After any other error the entry stands as claimed; the ledger keeps the settlement in this process and writes it as
// soon as the database allows. Settling again in the same way does nothing.
func (c *Claim) Settle(ctx context.Context, s Settlement) error {
	s, err := s.checked()
	if err != nil {
		return err
	}
	book, err := c.ledger.open(ctx)
	if err == nil {
		err = book.settle(ctx, c.ID, c.token, s)
	}
	if err == nil || errors.Is(err, ErrClaimLost) {
		c.ledger.untrack(c.token)
	} else if !errors.Is(err, ErrSidKnown) {
		c.ledger.postpone(c, s)
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

const settleEntry = `UPDATE twilio_proxy_mcp_sends SET state = $3, settled = {now}, sid = $4, receipt = $5, code = $6,
	request_id = $7, upstream_begun = coalesce($8, upstream_begun)
	WHERE id = $1 AND claim = $2 AND state IN ('claimed', 'unknown')`

// settle is a compare-and-set by the claim's token.
func (b *book) settle(ctx context.Context, id int64, token string, s Settlement) error {
	var verdict error
	err := b.write(ctx, func(ctx context.Context, db querier) (err error) {
		verdict, err = b.settleIn(ctx, db, id, token, s)
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

func (b *book) settleIn(ctx context.Context, db querier, id int64, token string, s Settlement) (verdict, err error) {
	known, err := sidElsewhere(ctx, db, id, s.Sid)
	if err != nil || known {
		return ErrSidKnown, err
	}
	var upstream sql.NullInt64
	if !s.UpstreamBegun.IsZero() {
		upstream = sql.NullInt64{Int64: s.UpstreamBegun.UnixMilli(), Valid: true}
	}
	result, err := db.exec(ctx, settleEntry, id, token, string(s.State), text(s.Sid), text(string(s.Receipt)), text(s.Code),
		text(s.RequestID), upstream)
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

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

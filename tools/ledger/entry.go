package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"
)

// State is how far a send has come.
type State string

// The states of an entry.
const (
	Claimed State = "claimed"
	Sent    State = "sent"
	Refused State = "refused"
	NotSent State = "not_sent"
	Unknown State = "unknown"
)

// Entry is one send. Its times are the ledger's clock, in milliseconds, except UpstreamBegun.
type Entry struct {
	ID            ID              `json:"id"`
	State         State           `json:"state"`
	Account       string          `json:"account"`
	Host          string          `json:"host"`
	Service       string          `json:"service"`
	Session       string          `json:"session"`
	Participant   string          `json:"participant"`
	Keyed         bool            `json:"keyed"`                // it has an idempotency key
	Sid           string          `json:"sid,omitempty"`        // of the interaction, if known
	Code          string          `json:"code,omitempty"`       // Settlement.Code
	RequestID     string          `json:"request_id,omitempty"` // Settlement.RequestID
	Receipt       json.RawMessage `json:"receipt,omitempty"`    // the upstream's answer without its data, or nil
	Begun         time.Time       `json:"begun"`
	Settled       time.Time       `json:"settled,omitzero"`        // when State was last set; zero while claimed
	UpstreamBegun time.Time       `json:"upstream_begun,omitzero"` // the upstream's time when the request began; zero if unknown
	Read          time.Time       `json:"-"`                       // when the entry was read; Read.Sub(Settled) needs no other clock
}

// Filter chooses entries; a zero field chooses all.
type Filter struct {
	State                State
	Session, Participant string
	Within               time.Duration // entries begun no longer ago than this, by the ledger's clock
	Limit                int           // the most entries to return; 0 is 100
}

// record is an entry with the columns that callers do not see.
type record struct {
	Entry
	claim, owner string // tokens
	// digests
	content, idem, listed []byte
}

const columns = `id, state, account, host, service, session, participant, coalesce(sid, ''), coalesce(code, ''),
	coalesce(request_id, ''), receipt, begun, settled, upstream_begun, claim, owner, content, idem, listed, {now}`

func scanRecord(row interface{ Scan(...any) error }) (record, error) {
	var r record
	var number int64
	var begun, settled, upstream, read sql.NullInt64
	err := row.Scan(&number, &r.State, &r.Account, &r.Host, &r.Service, &r.Session, &r.Participant, &r.Sid, &r.Code, &r.RequestID,
		(*[]byte)(&r.Receipt), &begun, &settled, &upstream, &r.claim, &r.owner, &r.content, &r.idem, &r.listed, &read)
	if err != nil {
		return record{}, err
	}
	r.ID = idOf(number, r.claim)
	r.Keyed = r.idem != nil
	r.Begun, r.Settled, r.UpstreamBegun, r.Read = fromMillis(begun), fromMillis(settled), fromMillis(upstream), fromMillis(read)
	return r, nil
}

// millis and fromMillis store a zero time as NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func fromMillis(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64)
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// recordByID fails with ErrNotFound when the number is nobody's or another message's.
func recordByID(ctx context.Context, tx transaction, id ID) (record, error) {
	r, err := scanRecord(tx.queryRow(ctx, "SELECT "+columns+" FROM twilio_proxy_mcp_sends WHERE id = $1", id.number))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return record{}, ErrNotFound
	case err == nil && id.Proven() && id != r.ID:
		return record{}, errOtherEntry
	}
	return r, err
}

func queryRecords(ctx context.Context, tx transaction, query string, args ...any) ([]record, error) {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// History returns the chosen entries, newest first. Where it can write, it first marks the claims of dead owners as unknown.
func (l *Ledger) History(ctx context.Context, filter Filter) ([]Entry, error) {
	store, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.markDeadOwners(ctx, store)
	within, limit := cmp.Or(max(filter.Within, 0), math.MaxInt64), cmp.Or(max(filter.Limit, 0), 100)
	found, err := read(ctx, l, func(ctx context.Context, tx transaction) ([]record, error) {
		return queryRecords(ctx, tx, "SELECT "+columns+` FROM twilio_proxy_mcp_sends
			WHERE ($1 = '' OR state = $1) AND ($2 = '' OR session = $2) AND ($3 = '' OR participant = $3)
				AND begun >= {now} - $4 ORDER BY id DESC LIMIT $5`,
			string(filter.State), filter.Session, filter.Participant, within.Milliseconds(), limit)
	})
	entries := make([]Entry, len(found))
	for i, r := range found {
		entries[i] = r.Entry
	}
	return entries, err
}

// Entry returns the entry as it is now, or ErrNotFound.
func (l *Ledger) Entry(ctx context.Context, id ID) (Entry, error) {
	found, err := read(ctx, l, func(ctx context.Context, tx transaction) (record, error) { return recordByID(ctx, tx, id) })
	return found.Entry, err
}

// KnownSid says whether an entry has this interaction, whatever the entry's account, host or caller.
func (l *Ledger) KnownSid(ctx context.Context, sid string) (there bool, err error) {
	return read(ctx, l, func(ctx context.Context, tx transaction) (there bool, err error) {
		err = tx.queryRow(ctx, "SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE sid = $1", sid).Scan(&there)
		return there, err
	})
}

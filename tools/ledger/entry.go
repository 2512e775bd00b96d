package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// State is how far a send has come.
type State string

// The states of an entry. Claimed and unknown entries block their content; refused and unsent ones leave it free. A claimed
// entry whose owner is dead becomes unknown as soon as anybody looks at it.
const (
	Claimed State = "claimed"
	Sent    State = "sent"
	Refused State = "refused"
	NotSent State = "not_sent"
	Unknown State = "unknown"
)

// Entry is one send. Its times are the ledger's clock, in milliseconds, except UpstreamBegun.
type Entry struct {
	ID          int64           `json:"id"`
	State       State           `json:"state"`
	Account     string          `json:"account"`
	Host        string          `json:"host"`
	Service     string          `json:"service"`
	Session     string          `json:"session"`
	Participant string          `json:"participant"`
	Keyed       bool            `json:"keyed"`                // it has an idempotency key
	Sid         string          `json:"sid,omitempty"`        // of the interaction, if known
	Code        string          `json:"code,omitempty"`       // Settlement.Code
	RequestID   string          `json:"request_id,omitempty"` // Settlement.RequestID
	Receipt     json.RawMessage `json:"receipt,omitempty"`    // the upstream's answer without its data, or nil
	Begun       time.Time       `json:"begun"`
	Settled     time.Time       `json:"settled,omitzero"` // when State was last set; zero while claimed
	// UpstreamBegun is the upstream's time when the request began, or zero if unknown.
	UpstreamBegun time.Time `json:"upstream_begun,omitzero"`
	// Read is when the entry was read, by the ledger's clock. Read.Sub(Settled) is an age that needs no other clock.
	Read time.Time `json:"-"`
}

// record is an entry with the columns that callers do not see.
type record struct {
	Entry
	claim, owner  string // tokens
	content, idem []byte
}

const columns = `id, state, account, host, service, session, participant, sid, code, request_id, receipt,
	begun, settled, upstream_begun, claim, owner, content, idem, {now}`

func scanRecord(row interface{ Scan(...any) error }) (record, error) {
	var r record
	var sid, code, request sql.NullString
	var begun, settled, upstream, read sql.NullInt64
	err := row.Scan(&r.ID, &r.State, &r.Account, &r.Host, &r.Service, &r.Session, &r.Participant, &sid, &code, &request,
		(*[]byte)(&r.Receipt), &begun, &settled, &upstream, &r.claim, &r.owner, &r.content, &r.idem, &read)
	if err != nil {
		return record{}, err
	}
	r.Sid, r.Code, r.RequestID, r.Keyed = sid.String, code.String, request.String, r.idem != nil
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

// recordByID fails with sql.ErrNoRows when there is none.
func recordByID(ctx context.Context, tx transaction, id int64) (record, error) {
	return scanRecord(tx.queryRow(ctx, "SELECT "+columns+" FROM twilio_proxy_mcp_sends WHERE id = $1", id))
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

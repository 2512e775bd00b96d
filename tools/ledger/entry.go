package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// State is how far a send has come.
type State string

// The states of an entry. A claimed entry is being sent by a living owner, or was by a dead one and becomes unknown as
// soon as anybody looks. Refused and not-sent entries free their content; claimed and unknown ones block it.
const (
	Claimed State = "claimed"
	Sent    State = "sent"
	Refused State = "refused"
	NotSent State = "not_sent"
	Unknown State = "unknown"
)

// Entry is one send as the ledger knows it. All times are the ledger's clock, in milliseconds, except UpstreamBegun.
type Entry struct {
	ID          int64           `json:"id"`
	State       State           `json:"state"`
	Account     string          `json:"account"`
	Host        string          `json:"host"`
	Service     string          `json:"service"`
	Session     string          `json:"session"`
	Participant string          `json:"participant"`
	Keyed       bool            `json:"keyed"`                // an explicit idempotency key was given
	Sid         string          `json:"sid,omitempty"`        // of the interaction, when known
	Code        string          `json:"code,omitempty"`       // Settlement.Code
	RequestID   string          `json:"request_id,omitempty"` // Settlement.RequestID
	Receipt     json.RawMessage `json:"receipt,omitempty"`    // the upstream's answer without its data; nil when there is none
	Begun       time.Time       `json:"begun"`
	Settled     time.Time       `json:"settled,omitzero"` // when State was last set; zero while claimed
	// UpstreamBegun is the upstream's clock at the beginning of the request, zero when nobody knew it.
	UpstreamBegun time.Time `json:"upstream_begun,omitzero"`
	// Read is the ledger's clock when the entry was read: Read.Sub(Settled) is an age that no other clock disturbs.
	Read time.Time `json:"-"`
}

// Filter chooses entries; a zero field chooses all.
type Filter struct {
	State       State
	Session     string
	Participant string
	Within      time.Duration // entries begun no longer ago than this, by the ledger's clock
	Limit       int           // at most so many; 0 is 100
}

// row is an entry with what callers need not see.
type row struct {
	Entry
	claim, owner  string
	content, idem []byte
}

const columns = `id, state, account, host, service, session, participant, sid, code, request_id, receipt,
	begun, settled, upstream_begun, claim, owner, content, idem, {now}`

func scanRow(rows interface{ Scan(...any) error }) (row, error) {
	var r row
	var sid, code, request, receipt sql.NullString
	var begun, read int64
	var settled, upstream sql.NullInt64
	err := rows.Scan(&r.ID, &r.State, &r.Account, &r.Host, &r.Service, &r.Session, &r.Participant, &sid, &code, &request,
		&receipt, &begun, &settled, &upstream, &r.claim, &r.owner, &r.content, &r.idem, &read)
	if err != nil {
		return row{}, err
	}
	r.Sid, r.Code, r.RequestID, r.Keyed = sid.String, code.String, request.String, r.idem != nil
	if receipt.Valid {
		r.Receipt = json.RawMessage(receipt.String)
	}
	r.Begun, r.Read = time.UnixMilli(begun), time.UnixMilli(read)
	if settled.Valid {
		r.Settled = time.UnixMilli(settled.Int64)
	}
	if upstream.Valid {
		r.UpstreamBegun = time.UnixMilli(upstream.Int64)
	}
	return r, nil
}

func queryRows(ctx context.Context, db querier, query string, args ...any) ([]row, error) {
	rows, err := db.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// History returns the entries that fit, newest first. Claims of dead owners are turned to unknown before, where the
// database can be written. It makes no file: where there is none, there are no entries.
func (l *Ledger) History(ctx context.Context, filter Filter) ([]Entry, error) {
	if l.unmade() {
		return nil, nil
	}
	book, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.flush(ctx, book)
	if err := l.sweep(ctx, book); err != nil {
		l.log().WarnContext(ctx, "ledger: claims of dead owners still stand as claimed", "error", err)
	}
	query, args := filter.query()
	var found []row
	err = book.read(ctx, func(ctx context.Context, db querier) (err error) {
		found, err = queryRows(ctx, db, query, args...)
		return err
	})
	entries := make([]Entry, len(found))
	for i, r := range found {
		entries[i] = r.Entry
	}
	return entries, unavailable("read the ledger", err)
}

func (f Filter) query() (string, []any) {
	var where []string
	var args []any
	and := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	if f.State != "" {
		and("state =", string(f.State))
	}
	if f.Session != "" {
		and("session =", f.Session)
	}
	if f.Participant != "" {
		and("participant =", f.Participant)
	}
	if f.Within > 0 {
		and("begun >= {now} -", f.Within.Milliseconds())
	}
	query := "SELECT " + columns + " FROM twilio_proxy_mcp_sends"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	return query + " ORDER BY id DESC LIMIT $" + strconv.Itoa(len(args)), args
}

// Entry returns the entry of this ID as it is now, or ErrNotFound.
func (l *Ledger) Entry(ctx context.Context, id int64) (Entry, error) {
	book, err := l.open(ctx)
	if err != nil {
		return Entry{}, err
	}
	var found row
	err = book.read(ctx, func(ctx context.Context, db querier) (err error) {
		found, err = rowByID(ctx, db, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return Entry{}, err
	}
	return found.Entry, unavailable("read the ledger", err)
}

// KnownSid says whether the interaction belongs to an entry, whatever its account, host or caller.
func (l *Ledger) KnownSid(ctx context.Context, sid string) (bool, error) {
	book, err := l.open(ctx)
	if err != nil {
		return false, err
	}
	var known bool
	err = book.read(ctx, func(ctx context.Context, db querier) error {
		return db.row(ctx, "SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE sid = $1", sid).Scan(&known)
	})
	return known, unavailable("read the ledger", err)
}

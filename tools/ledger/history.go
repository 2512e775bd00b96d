package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// Filter chooses entries; a zero field chooses all.
type Filter struct {
	State       State
	Session     string
	Participant string
	Within      time.Duration // entries begun no longer ago than this, by the ledger's clock
	Limit       int           // the most entries to return; 0 is 100
}

// History returns the chosen entries, newest first. Where it can write, it first marks the claims of dead owners as unknown.
// When there is no file yet, it returns none and makes no file.
func (l *Ledger) History(ctx context.Context, filter Filter) ([]Entry, error) {
	if l.neverUsed() {
		return nil, nil
	}
	store, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.writePostponed(ctx, store, false)
	if err := markDeadOwners(ctx, store); err != nil {
		l.log().WarnContext(ctx, "ledger: messages of ended processes could not be marked as unknown", "error", err)
	}
	query, args := filter.query()
	var found []record
	err = l.read(ctx, func(ctx context.Context, tx transaction) (err error) {
		found, err = queryRecords(ctx, tx, query, args...)
		return err
	})
	entries := make([]Entry, len(found))
	for i, r := range found {
		entries[i] = r.Entry
	}
	return entries, err
}

func (f Filter) query() (string, []any) {
	where := "TRUE"
	var args []any
	and := func(condition string, value any) {
		args = append(args, value)
		where += " AND " + condition + " $" + strconv.Itoa(len(args))
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
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	return "SELECT " + columns + " FROM twilio_proxy_mcp_sends WHERE " + where + " ORDER BY id DESC LIMIT $" + strconv.Itoa(len(args)), args
}

// Entry returns the entry as it is now, or ErrNotFound.
func (l *Ledger) Entry(ctx context.Context, id int64) (Entry, error) {
	var found record
	err := l.read(ctx, func(ctx context.Context, tx transaction) (err error) {
		found, err = recordByID(ctx, tx, id)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Entry{}, ErrNotFound
	}
	return found.Entry, err
}

// KnownSid says whether an entry has this interaction, whatever the entry's account, host or caller.
func (l *Ledger) KnownSid(ctx context.Context, sid string) (there bool, err error) {
	err = l.read(ctx, func(ctx context.Context, tx transaction) error {
		return tx.queryRow(ctx, "SELECT count(*) > 0 FROM twilio_proxy_mcp_sends WHERE sid = $1", sid).Scan(&there)
	})
	return there, err
}

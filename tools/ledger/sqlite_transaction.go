package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
)

// sqliteSQL translates this package's SQL to SQLite's.
var sqliteSQL = strings.NewReplacer("{now}", "CAST(unixepoch('subsec') * 1000 AS INTEGER)", "{owner_lives}", "TRUE",
	"{table_exists}", "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
	"{id}", "INTEGER PRIMARY KEY", "{blob}", "blob", "$", "?")

// sqliteTransaction runs SQL on the connection that writes, or on a *sql.DB for reading. It prepares each statement with
// parameters once and keeps it, because the package has few different ones.
type sqliteTransaction struct {
	self *ownerFile
	on   interface { // a *sql.Conn or a *sql.DB
		PrepareContext(context.Context, string) (*sql.Stmt, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func (t *sqliteTransaction) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if statement := t.prepared[query]; statement != nil {
		return statement, nil
	}
	statement, err := t.on.PrepareContext(ctx, sqliteSQL.Replace(query))
	if err != nil {
		return nil, err
	}
	if t.prepared == nil {
		t.prepared = map[string]*sql.Stmt{}
	}
	t.prepared[query] = statement
	return statement, nil
}

func (t *sqliteTransaction) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 {
		return t.on.ExecContext(ctx, sqliteSQL.Replace(query)) // a migration has more than one statement
	}
	statement, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

func (t *sqliteTransaction) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	statement, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

func (t *sqliteTransaction) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	statement, err := t.prepare(ctx, query)
	if err != nil {
		return t.on.QueryRowContext(ctx, sqliteSQL.Replace(query), args...) // fails with the same error
	}
	return statement.QueryRowContext(ctx, args...)
}

func (t *sqliteTransaction) lock(context.Context, lockSpace, []byte) error { return nil } // it is alone already

func (t *sqliteTransaction) alive(_ context.Context, token string) (bool, error) {
	return t.self.alive(token)
}

func (t *sqliteTransaction) close() (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, statement := range t.prepared {
		err = errors.Join(err, statement.Close())
	}
	t.prepared = nil
	return err
}

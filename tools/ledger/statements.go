package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
)

// sqliteSQL writes this package's SQL in SQLite's dialect.
var sqliteSQL = strings.NewReplacer("{now}", "CAST(unixepoch('subsec') * 1000 AS INTEGER)", "{held}", "TRUE",
	"{id}", "INTEGER PRIMARY KEY", "{blob}", "blob", "$", "?")

// sqliteStatements prepares each statement with parameters once: on the one connection that writes, or on each connection of
// a *sql.DB that comes to run it. The package has few different statements, so all are kept.
type sqliteStatements struct {
	on interface { // a *sql.Conn or a *sql.DB
		PrepareContext(context.Context, string) (*sql.Stmt, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}

	mu   sync.Mutex
	made map[string]*sql.Stmt
}

func (s *sqliteStatements) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.made[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.on.PrepareContext(ctx, sqliteSQL.Replace(query))
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[string]*sql.Stmt{}
	}
	s.made[query] = stmt
	return stmt, nil
}

func (s *sqliteStatements) prepared(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (s *sqliteStatements) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 {
		return s.on.ExecContext(ctx, sqliteSQL.Replace(query)) // a migration: more than one statement
	}
	return s.prepared(ctx, query, args...)
}

func (s *sqliteStatements) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *sqliteStatements) row(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return s.on.QueryRowContext(ctx, sqliteSQL.Replace(query), args...) // says the same error
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (s *sqliteStatements) close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.made {
		err = errors.Join(err, stmt.Close())
	}
	s.made = nil
	return err
}

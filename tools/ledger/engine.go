package ledger

import (
	"context"
	"database/sql"
	"strings"
)

// engine is the database under a ledger: a sqliteEngine or a postgresEngine.
type engine interface {
	// write runs op in a transaction: durable when write returns nil, undone when op fails. It returns by the deadline of ctx.
	// op may run more than once.
	write(ctx context.Context, op operation) error
	// read runs op on a committed state.
	read(ctx context.Context, op operation) error
	// owner returns the token of this process. Others see its owner alive until the process or its connection ends.
	owner(ctx context.Context) (token string, err error)
	// dropOwner gives up a token whose owner turned out to be dead. This process gets a new one.
	dropOwner(token string)
	// asOwner runs op while the token is this process's and proven alive; otherwise the error is ErrClaimLost. From then on, the
	// loss of the committed entry is noticed, where the engine can notice it.
	asOwner(ctx context.Context, token string, entry int64, op operation) error
	close() error
}

type operation func(ctx context.Context, tx transaction) error

// transaction runs SQL for an operation. Parameters are $1, $2, …; the engines replace {now} (the database's clock in
// milliseconds since 1970), {owner_lives} (the owner $2 is alive), {table_exists} (the table $1 exists) and the column types
// {id} and {blob}.
type transaction interface {
	exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	queryRow(ctx context.Context, query string, args ...any) *sql.Row
	// lock keeps out other transactions that lock the same name, until this one ends.
	lock(ctx context.Context, space int32, name []byte) error
	// alive says whether the owner of the token lives.
	alive(ctx context.Context, token string) (bool, error)
}

// sqlRunner runs the package's SQL in a database's dialect.
type sqlRunner struct {
	dialect *strings.Replacer
	on      interface { // a *sql.DB, a *sql.Conn or a *sql.Tx
		PrepareContext(context.Context, string) (*sql.Stmt, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}

	prepared map[string]*sql.Stmt // by query; there are few, so all are kept; nil where nothing is prepared
}

// prepare returns nil where nothing is prepared. It also does when preparing fails: running the query then fails as well.
func (r *sqlRunner) prepare(ctx context.Context, query string) *sql.Stmt {
	statement := r.prepared[query]
	if statement != nil || r.prepared == nil {
		return statement
	}
	statement, err := r.on.PrepareContext(ctx, r.dialect.Replace(query))
	if err != nil {
		return nil
	}
	r.prepared[query] = statement
	return statement
}

func (r *sqlRunner) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) > 0 { // without, it may be a migration, which has more than one statement
		if statement := r.prepare(ctx, query); statement != nil {
			return statement.ExecContext(ctx, args...)
		}
	}
	return r.on.ExecContext(ctx, r.dialect.Replace(query), args...)
}

func (r *sqlRunner) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if statement := r.prepare(ctx, query); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return r.on.QueryContext(ctx, r.dialect.Replace(query), args...)
}

func (r *sqlRunner) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if statement := r.prepare(ctx, query); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return r.on.QueryRowContext(ctx, r.dialect.Replace(query), args...)
}

// The spaces separate locks of different purposes. They are random, because other programs may use PostgreSQL's advisory locks
// in the same database.
const (
	lockContent int32 = 0x54500001
	lockLimits  int32 = 0x54500002
	lockTables  int32 = 0x54500003
)

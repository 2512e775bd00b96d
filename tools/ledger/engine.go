package ledger

import (
	"context"
	"database/sql"
	"time"
)

// engine is the database under a ledger: a sqliteEngine or a postgresEngine.
type engine interface {
	// write runs op in one transaction. It is durable when write returns nil, and undone when op fails. op may run more than
	// once. write returns by the deadline of ctx.
	write(ctx context.Context, op operation) error
	// read runs op on a committed state.
	read(ctx context.Context, op operation) error
	// owner returns the token of this process. Others see its owner alive until the process or its connection ends.
	owner(ctx context.Context) (token string, err error)
	// dropOwner gives up a token whose owner turned out to be dead. This process gets a new one.
	dropOwner(token string)
	// asOwner runs op while the token is this process's and proven alive; otherwise the error is ErrClaimLost.
	asOwner(ctx context.Context, token string, op operation) error
	// grace is how long after its claim an owner that looks dead may still be sending.
	grace() time.Duration
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

// runner is a *sql.DB, a *sql.Conn or a *sql.Tx.
type runner interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// The spaces separate locks of different purposes. They are random, because other programs may use PostgreSQL's advisory locks
// in the same database.
const (
	lockContent int32 = 0x54500001
	lockLimits  int32 = 0x54500002
	lockTables  int32 = 0x54500003
)

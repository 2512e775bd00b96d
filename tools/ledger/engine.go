package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// engine is the database under a ledger: a sqliteEngine or a postgresEngine.
type engine interface {
	// write runs op in one transaction that is durable when write returns nil, and undone when it returns an error of op's.
	// op may run more than once. Other writers of the same lock are kept out. It returns by the deadline of ctx.
	write(ctx context.Context, op operation) error
	// read runs op on a committed state of the database.
	read(ctx context.Context, op operation) error
	// lock keeps other transactions that name the same bytes out until this one ends.
	lock(ctx context.Context, db querier, space lockSpace, name []byte) error
	// owner is the token under which this process lives: others see it alive until the process or its connection ends.
	owner(ctx context.Context) (string, error)
	// disown gives a token up that turned out to be dead; the next owner is a new one.
	disown(token string)
	// alive says whether the owner of a token lives.
	alive(ctx context.Context, db querier, token string) (bool, error)
	// grace is how long after its claim a process may still be sending although its owner is seen dead.
	grace() time.Duration
	// holding runs op while the token is this process's and seen alive; ErrClaimLost when it is not.
	holding(ctx context.Context, token string, op operation) error
	// exists says whether a table is there.
	exists(ctx context.Context, db querier, table string) (bool, error)
	close() error
}

type operation func(ctx context.Context, db querier) error

// querier runs SQL. Parameters are $1, $2, …; {now} is the database's clock in milliseconds since 1970, {held} whether the
// owner $2 is seen alive, {id} and {blob} column types.
type querier interface {
	exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	row(ctx context.Context, query string, args ...any) *sql.Row
}

// lockSpace keeps the locks of different purposes apart.
type lockSpace int32

// The numbers are this program's names in PostgreSQL's space of advisory locks; chosen at random.
const (
	lockContent lockSpace = 0x54500001
	lockLimits  lockSpace = 0x54500002
	lockTables  lockSpace = 0x54500003
)

// isUnique says whether a unique index refused a row.
func isUnique(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
	}
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "23505" // unique_violation
}

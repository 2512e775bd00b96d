package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine is a database that replicas share.
type postgresEngine struct {
	*ownerConn
	db *sql.DB
}

const (
	// postgresConns is how many connections of one process read and write at a time, besides the owner's. A server allows 100
	// for all by default, and more do not make its commits faster.
	postgresConns = 16
	// postgresTimeout is of one transaction, the server's answer included.
	postgresTimeout = 10 * time.Second
)

// SessionGrace is how long after its claim a message cannot be freed on PostgreSQL, because a session can end while its
// process still sends. It is longer than any call may take.
const SessionGrace = time.Minute

func openPostgres(ctx context.Context, dsn string, wait time.Duration) (engine, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL address cannot be read; it is not repeated here, since it may hold a password")
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, defaultLockWait)
	milliseconds := strconv.FormatInt(wait.Milliseconds(), 10) // the unit of lock_timeout
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, connectionSettings, milliseconds)
		return err
	}))
	db.SetMaxOpenConns(postgresConns + 1)
	db.SetMaxIdleConns(postgresConns)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &postgresEngine{&ownerConn{db: db}, db}, nil
}

// connectionSettings are made on every connection. A commit is durable even where the server's default is not. No wait for a
// lock is endless, and a stopped process does not keep others from a lock. The server notices within 25 seconds that the
// machine of a client died.
const connectionSettings = `SELECT set_config(name, CASE name
		WHEN 'lock_timeout' THEN $1
		WHEN 'idle_in_transaction_session_timeout' THEN '10s'
		WHEN 'tcp_keepalives_idle' THEN '10'
		WHEN 'tcp_keepalives_interval' THEN '5'
		WHEN 'tcp_keepalives_count' THEN '3'
		ELSE '0' END, false)
	FROM pg_settings WHERE name IN ('lock_timeout', 'idle_in_transaction_session_timeout', 'tcp_keepalives_idle',
		'tcp_keepalives_interval', 'tcp_keepalives_count', 'idle_session_timeout')
	UNION ALL SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'`

// write commits even when the caller leaves, because nobody would know whether a commit that was cut off happened. But it
// keeps the caller's deadline.
func (e *postgresEngine) write(ctx context.Context, op operation) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	end, _ := ctx.Deadline()
	ctx, cancelWrite := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancelWrite()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := op(ctx, postgresTransaction{&sqlRunner{dialect: postgresSQL, on: tx}}); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (e *postgresEngine) read(ctx context.Context, op operation) error {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	return op(ctx, postgresTransaction{&sqlRunner{dialect: postgresSQL, on: e.db}})
}

func (e *postgresEngine) close() error {
	err := e.db.Close()
	e.ownerConn.close()
	return err
}

// postgresSQL translates this package's SQL to PostgreSQL's. While another session tries the same lock, {owner_lives} may take
// a dead owner for alive; Claim.Stands does not. {table_exists} reads the catalogue, because to_regclass answers from a cache
// that an advisory lock does not refresh.
var postgresSQL = strings.NewReplacer("{now}", "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
	"{owner_lives}", "NOT pg_try_advisory_xact_lock(CAST(CAST($2 AS text) AS bigint))",
	"{table_exists}", "EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = ANY (current_schemas(false)) AND tablename = $1)",
	"{id}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "{blob}", "bytea")

// postgresTransaction runs SQL on a *sql.Tx, or for reading on a *sql.Conn or a *sql.DB. pgx prepares each statement once per
// connection.
type postgresTransaction struct{ *sqlRunner }

// lock takes an advisory lock. Under READ COMMITTED the next statements see what its former holder committed. Names share 32
// bits: two that collide only wait for each other.
func (t postgresTransaction) lock(ctx context.Context, space int32, name []byte) error {
	_, err := t.exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", space, int32(binary.BigEndian.Uint32(name)))
	return err
}

// alive tries to take the lock that a living owner's session holds. Two processes that try at once may take each other for the
// owner. They look again later. A living owner is never taken for dead.
func (t postgresTransaction) alive(ctx context.Context, token string) (alive bool, err error) {
	err = t.queryRow(ctx, "SELECT NOT pg_try_advisory_xact_lock(CAST(CAST($1 AS text) AS bigint))", token).Scan(&alive)
	return alive, err
}

package ledger

import (
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
	db   *sql.DB
	self ownerSession
}

// Connections of one process that write and read at a time, besides the one that shows it alive; chosen: more do not make a
// server commit faster, and its default is 100 for all.
const postgresConns = 16

// postgresTimeout bounds one transaction, the server's answer included; chosen.
const postgresTimeout = 10 * time.Second

func openPostgres(ctx context.Context, dsn string, wait time.Duration) (engine, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL address cannot be read; it is not repeated here, since it may hold a password")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = defaultLockWait
	}
	settings := sessionSettings{wait: wait}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(settings.apply))
	db.SetMaxOpenConns(postgresConns + 1)
	db.SetMaxIdleConns(postgresConns)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &postgresEngine{db: db, self: ownerSession{db: db}}, nil
}

// sessionSettings are made on every connection. A commit must be durable even where the server's default is not; nobody waits
// for a lock for ever, and a stopped process does not keep others from one; a client whose machine died is noticed in 25 seconds.
type sessionSettings struct{ wait time.Duration }

func (s sessionSettings) apply(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config(name, CASE name
			WHEN 'lock_timeout' THEN $1
			WHEN 'idle_in_transaction_session_timeout' THEN '10s'
			WHEN 'tcp_keepalives_idle' THEN '10'
			WHEN 'tcp_keepalives_interval' THEN '5'
			WHEN 'tcp_keepalives_count' THEN '3'
			ELSE '0' END, false)
		FROM pg_settings WHERE name IN ('lock_timeout', 'idle_in_transaction_session_timeout', 'tcp_keepalives_idle',
			'tcp_keepalives_interval', 'tcp_keepalives_count', 'idle_session_timeout')
		UNION ALL SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'`,
		strconv.FormatInt(s.wait.Milliseconds(), 10)) // the setting's unit
	return err
}

func (e *postgresEngine) write(ctx context.Context, op operation) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// A caller that leaves must not cut a commit off: nobody would know whether it happened. One whose time is over has to
	// be answered all the same.
	end := time.Now().Add(postgresTimeout)
	if callers, ok := ctx.Deadline(); ok && callers.Before(end) {
		end = callers
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := op(ctx, postgresQuerier{tx}); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (e *postgresEngine) read(ctx context.Context, op operation) error {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	return op(ctx, postgresQuerier{e.db})
}

// lock takes an advisory lock until the transaction ends. Under READ COMMITTED the statements after it see what its former
// holder committed. Names share 32 bits: two that meet only wait for each other.
func (e *postgresEngine) lock(ctx context.Context, db querier, space lockSpace, name []byte) error {
	_, err := db.exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", int32(space), int32(binary.BigEndian.Uint32(name)))
	return err
}

func (e *postgresEngine) owner(ctx context.Context) (string, error) { return e.self.hold(ctx) }

func (e *postgresEngine) disown(token string) { e.self.drop(token) }

// alive tries the lock that a living owner's session holds. Two who try at once may each take the other for the owner, and
// look again later; nobody can take an owner for dead that lives.
func (e *postgresEngine) alive(ctx context.Context, db querier, token string) (alive bool, err error) {
	err = db.row(ctx, "SELECT NOT pg_try_advisory_xact_lock(CAST(CAST($1 AS text) AS bigint))", token).Scan(&alive)
	return alive, err
}

// SessionGrace is how long after its claim a message cannot be freed on PostgreSQL, since a session can end while its process
// lives and sends. No call may take as long; chosen.
const SessionGrace = time.Minute

func (e *postgresEngine) grace() time.Duration { return SessionGrace }

func (e *postgresEngine) holding(ctx context.Context, token string, op operation) error {
	return e.self.holding(ctx, token, op)
}

// exists reads the catalogue as a table: to_regclass answers from a cache that an advisory lock does not refresh.
func (e *postgresEngine) exists(ctx context.Context, db querier, table string) (there bool, err error) {
	err = db.row(ctx, "SELECT count(*) > 0 FROM pg_tables WHERE schemaname = ANY (current_schemas(false)) AND tablename = $1",
		table).Scan(&there)
	return there, err
}

func (e *postgresEngine) close() error {
	e.self.close()
	return e.db.Close()
}

// postgresSQL writes this package's SQL in PostgreSQL's dialect. {held} errs to the living side while another session tries
// the same lock; Claim.Stands does not.
var postgresSQL = strings.NewReplacer("{now}", "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
	"{held}", "NOT pg_try_advisory_xact_lock(CAST(CAST($2 AS text) AS bigint))",
	"{id}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "{blob}", "bytea")

// postgresQuerier runs on a *sql.Tx, a *sql.Conn or a *sql.DB; pgx prepares each statement once per connection.
type postgresQuerier struct {
	on interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}
}

func (q postgresQuerier) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return q.on.ExecContext(ctx, postgresSQL.Replace(query), args...)
}

func (q postgresQuerier) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return q.on.QueryContext(ctx, postgresSQL.Replace(query), args...)
}

func (q postgresQuerier) row(ctx context.Context, query string, args ...any) *sql.Row {
	return q.on.QueryRowContext(ctx, postgresSQL.Replace(query), args...)
}

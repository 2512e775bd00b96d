package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"strconv"
	"sync"
)

// ownerSession shows a process alive to the others that share a PostgreSQL database: a session that holds an advisory lock,
// named by a random token, on a connection of its own. The server ends the lock with the session. When the connection is lost
// the next owner is a new one: what the old one claimed was a dead owner's for a while.
type ownerSession struct {
	db *sql.DB

	mu    sync.Mutex // also keeps the connection to one query at a time
	token string
	conn  *sql.Conn
}

func (o *ownerSession) hold(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil {
		return o.token, nil
	}
	// pgx closes a connection whose query is cancelled: no caller's context may reach this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgresTimeout)
	defer cancel()
	conn, err := o.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	var random [8]byte
	rand.Read(random[:])
	token := strconv.FormatInt(int64(binary.BigEndian.Uint64(random[:])>>1), 10)
	var taken bool
	err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(CAST(CAST($1 AS text) AS bigint))", token).Scan(&taken)
	if err == nil && !taken {
		err = errors.New("another session holds the advisory lock that was to show this process alive")
	}
	if err != nil {
		endSession(conn)
		return "", err
	}
	o.token, o.conn = token, conn
	return token, nil
}

// holding runs op on the connection that holds the lock: that it answers shows that the lock is held.
func (o *ownerSession) holding(ctx context.Context, token string, op operation) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil || o.token != token {
		return ErrClaimLost
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultLockWait)
	defer cancel()
	err := op(ctx, postgresQuerier{o.conn})
	if err != nil {
		o.end()
		return err // the database's failure, which says more than that the claim is lost with it
	}
	return nil
}

// drop ends the session of the token, or whichever there is when token is "".
func (o *ownerSession) drop(token string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil && (token == "" || token == o.token) {
		o.end()
	}
}

func (o *ownerSession) end() {
	endSession(o.conn)
	o.token, o.conn = "", nil
}

// endSession closes the connection itself: back in the pool it would hold the lock for ever.
func endSession(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}

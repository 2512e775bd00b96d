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

	"golang.org/x/sync/singleflight"
)

// ownerConn proves this process alive to the others that share a PostgreSQL database. A connection of its own holds an
// advisory lock that is named by a random token; the server ends the lock with the connection's session. When the connection
// is lost, this process gets a new one with a new token, and the owner with the old token is dead.
//
// pgx closes a connection when a query on it is cancelled. So queries on this one run in a goroutine without the caller's
// cancellation; a caller that has no more time leaves it.
type ownerConn struct {
	db         *sql.DB
	connecting singleflight.Group

	mu      sync.Mutex
	current *lockedConn // nil when there is none
	work    sync.WaitGroup
}

// lockedConn is a connection that holds the lock of its token.
type lockedConn struct {
	token string
	conn  *sql.Conn
	busy  sync.Mutex // held while the connection is in use
}

func (o *ownerConn) owner(ctx context.Context) (string, error) {
	o.mu.Lock()
	if o.current != nil {
		defer o.mu.Unlock()
		return o.current.token, nil
	}
	attempt := o.connecting.DoChan("", o.connect)
	o.mu.Unlock()
	select {
	case result := <-attempt:
		return result.Val.(string), result.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (o *ownerConn) connect() (token any, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresTimeout)
	defer cancel()
	conn, err := o.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	var random [8]byte
	rand.Read(random[:])
	c := &lockedConn{token: strconv.FormatInt(int64(binary.BigEndian.Uint64(random[:])>>1), 10), conn: conn}
	var locked bool
	err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(CAST(CAST($1 AS text) AS bigint))", c.token).Scan(&locked)
	if err == nil && !locked {
		err = errors.New("another session holds the advisory lock that was to show this process alive")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.work.Go(c.end)
		return "", err
	}
	o.current = c
	return c.token, nil
}

// asOwner runs op on the connection that holds the lock: an answer proves that the lock is held. op may still run when asOwner
// has returned an error.
func (o *ownerConn) asOwner(ctx context.Context, token string, _ int64, op operation) error {
	o.mu.Lock()
	c := o.current
	if c == nil || c.token != token {
		o.mu.Unlock()
		return ErrClaimLost
	}
	answer := make(chan error, 1)
	o.work.Go(func() {
		c.busy.Lock()
		defer c.busy.Unlock()
		if ctx.Err() != nil {
			return // the caller has left
		}
		o.mu.Lock()
		ended := o.current != c // while this waited for its turn
		o.mu.Unlock()
		if ended {
			answer <- ErrClaimLost
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultLockWait)
		defer cancel()
		err := op(ctx, postgresTransaction{&sqlRunner{dialect: postgresSQL, on: c.conn}})
		answer <- err // the database's error says more than ErrClaimLost
		if err != nil {
			o.dropOwner(token)
		}
	})
	o.mu.Unlock()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dropOwner does not wait until the session has ended. "" is any token.
func (o *ownerConn) dropOwner(token string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil && (token == "" || token == o.current.token) {
		o.work.Go(o.current.end)
		o.current = nil
	}
}

// close comes after the database was closed, so that no attempt to connect begins any more.
func (o *ownerConn) close() {
	o.connecting.Do("", func() (any, error) { return "", nil }) // waits for an attempt that is under way
	o.dropOwner("")
	o.work.Wait()
}

// end closes the connection. Back in the pool, it would hold the lock for ever.
func (c *lockedConn) end() {
	c.busy.Lock()
	defer c.busy.Unlock()
	c.conn.Raw(func(any) error { return driver.ErrBadConn })
	c.conn.Close()
}

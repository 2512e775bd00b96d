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
//
// pgx closes a connection whose query is cancelled, so that no caller's context may reach this one: what is done on it is
// done in a goroutine, and callers wait for that as long as they like.
type ownerSession struct {
	db *sql.DB

	mu     sync.Mutex
	held   *session // nil when there is none
	taking *taking  // the one attempt at a session that is under way
	closed bool
	work   sync.WaitGroup
}

// session is a connection that holds the lock of its token.
type session struct {
	token string
	conn  *sql.Conn
	turn  chan struct{} // holds one while the connection is in use
}

type taking struct {
	done  chan struct{}
	token string
	err   error
}

func (o *ownerSession) hold(ctx context.Context) (string, error) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return "", ErrClosed
	}
	if o.held != nil {
		defer o.mu.Unlock()
		return o.held.token, nil
	}
	attempt := o.taking
	if attempt == nil {
		attempt = &taking{done: make(chan struct{})}
		o.taking = attempt
		o.work.Go(func() { o.take(attempt) })
	}
	o.mu.Unlock()
	select {
	case <-attempt.done:
		return attempt.token, attempt.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (o *ownerSession) take(attempt *taking) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresTimeout)
	defer cancel()
	s, err := beginSession(ctx, o.db)
	o.mu.Lock()
	o.taking = nil
	if err == nil && o.closed {
		err = ErrClosed
		defer endSession(s.conn)
	} else if err == nil {
		o.held, attempt.token = s, s.token
	}
	o.mu.Unlock()
	attempt.err = err
	close(attempt.done)
}

func beginSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	return &session{token, conn, make(chan struct{}, 1)}, nil
}

// holding runs op on the connection that holds the lock: that it answers shows that the lock is held. op may still run when
// holding has returned an error.
func (o *ownerSession) holding(ctx context.Context, token string, op operation) error {
	o.mu.Lock()
	s := o.held
	o.mu.Unlock()
	if s == nil || s.token != token {
		return ErrClaimLost
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	answer, err := o.ask(ctx, s, op)
	if err != nil {
		<-s.turn
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask begins op in the turn that the caller has, and gives the turn back when op has ended.
func (o *ownerSession) ask(ctx context.Context, s *session, op operation) (answer chan error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held != s { // ended while its turn was waited for
		return nil, ErrClaimLost
	}
	answer = make(chan error, 1)
	o.work.Go(func() {
		defer func() { <-s.turn }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultLockWait)
		defer cancel()
		err := op(ctx, postgresQuerier{s.conn})
		answer <- err // the database's failure, which says more than that the claim is lost with it
		if err != nil && o.forget(s.token) != nil {
			endSession(s.conn)
		}
	})
	return answer, nil
}

// forget gives the session of the token up, or whichever there is when token is "". Who gets it ends it.
func (o *ownerSession) forget(token string) *session {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.held
	if s == nil || token != "" && token != s.token {
		return nil
	}
	o.held = nil
	return s
}

// drop ends the session of the token without waiting for that.
func (o *ownerSession) drop(token string) {
	if s := o.forget(token); s != nil {
		go s.end()
	}
}

// close ends the session, if there is one, and what is under way on it.
func (o *ownerSession) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	if s := o.forget(""); s != nil {
		s.end()
	}
	o.work.Wait()
}

func (s *session) end() {
	s.turn <- struct{}{}
	endSession(s.conn)
	<-s.turn // who waits for it sees that it has ended
}

// endSession closes the connection itself: back in the pool it would hold the lock for ever.
func endSession(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}

package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Ledger is a record of sends in a SQL database. Exactly one of Path, DSN and Memory says where it lives. The first call opens
// the database. When that fails, the next call tries again. Methods may be called from many goroutines.
type Ledger struct {
	// Path is a SQLite file that the processes of one user on one machine share. A missing file is made with mode 0600, in a
	// directory of mode 0700. A network file system is not supported: SQLite's WAL needs shared memory.
	Path string
	// DSN is a PostgreSQL URL or keyword string that replicas share; libpq's environment variables fill what it leaves out.
	// It must not lead to a pooler in transaction mode: an owner is proven alive by an advisory lock of its session.
	DSN    string
	Memory bool // keeps the entries in this process only
	// MustExist is for who only looks: where no ledger was made yet, calls fail, and nothing is made or changed. The error is an
	// fs.ErrNotExist when there is no file.
	MustExist bool
	// Accepts is a person's decision to go on without what is missing: opening a SQLite ledger records this line and sets the mark
	// right. Entries that are still there stay, and block repeats.
	Accepts string
	Log     *slog.Logger // receives warnings, never content or passwords; nil is slog.Default

	lockWait  time.Duration // how long a call waits for another writer; 0 is defaultLockWait
	opening   singleflight.Group
	unsettled sync.Map // token of a claim of this process -> chan struct{}, closed when the claim is settled

	mu        sync.Mutex
	closed    bool
	store     *store
	postponed map[string]postponed // by the token of the claim
	retrying  *retries             // nil while nothing is postponed
}

const (
	openTimeout = 15 * time.Second // of one attempt, migrations included
	// defaultLockWait is short enough for a call to answer well within the 60 seconds that an MCP host waits.
	defaultLockWait = 5 * time.Second
)

// Open opens the database now, for a readiness check. It may be called at any time.
func (l *Ledger) Open(ctx context.Context) error {
	_, err := l.open(ctx)
	return err
}

// open returns the opened database. Callers share one attempt, which does not end when one of them leaves.
func (l *Ledger) open(ctx context.Context) (*store, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if l.store != nil {
		defer l.mu.Unlock()
		return l.store, nil
	}
	attempt := l.opening.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTimeout)
		defer cancel()
		opened, err := l.openStore(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.store = opened
		return opened, err
	})
	l.mu.Unlock()
	select {
	case result := <-attempt:
		return result.Val.(*store), result.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("the ledger was not opened in time, nothing was recorded: %w", ctx.Err())
	}
}

// store is an opened database, the key of its digests, and an entry that must be in it.
type store struct {
	engine
	digestKey []byte
	latest    atomic.Pointer[ID] // the last that this process claimed, or found at its start; the zero ID when there was none
}

// check fails when the database is another one than was opened, or has lost the latest entry and perhaps more. It only reads,
// so claims do not wait for each other, but nobody can drop or truncate the tables before its transaction ends.
func (s *store) check(ctx context.Context, tx transaction) error {
	var version, number int64
	var key []byte
	var claim string
	known := cmp.Or(s.latest.Load(), &ID{})
	err := tx.queryRow(ctx, "SELECT version, digest_key, coalesce(id, 0), coalesce(claim, '') FROM "+metaTable+` LEFT JOIN twilio_proxy_mcp_sends
		ON id = coalesce(nullif(CAST($1 AS bigint), 0), (SELECT max(id) FROM twilio_proxy_mcp_sends))`, known.number).Scan(&version, &key, &number, &claim)
	found := idOf(number, claim)
	switch {
	case errors.Is(err, sql.ErrNoRows), reason(err) == Corrupt:
		return fmt.Errorf("%w: %w", errOtherOne, err)
	case err != nil, version > int64(len(migrations)):
		return cmp.Or(err, errTooNew)
	case !bytes.Equal(key, s.digestKey), known.number != 0 && found != *known:
		return errOtherOne
	}
	s.latest.CompareAndSwap(nil, &found) // at the start
	return nil
}

func (l *Ledger) openStore(ctx context.Context) (_ *store, err error) {
	var engine engine
	wait := cmp.Or(l.lockWait, defaultLockWait)
	switch {
	case l.DSN == "" && l.Memory == (l.Path == ""):
		engine, err = openSQLite(ctx, l.Path, wait, l.MustExist, l.Accepts != "")
	case l.DSN != "" && l.Path == "" && !l.Memory:
		engine, err = openPostgres(ctx, l.DSN, wait)
	default:
		err = errors.New("exactly one of a file, a PostgreSQL address and memory must be chosen")
	}
	if err != nil {
		return nil, l.unavailable("open the ledger", err)
	}
	key, err := migrate(ctx, engine, l.MustExist && !l.Memory)
	if lite, ok := engine.(*sqliteEngine); ok && err == nil {
		err = lite.adopt(ctx, l.MustExist && l.Accepts == "", l.Accepts)
	}
	opened := &store{engine: engine, digestKey: key}
	if err == nil {
		err = opened.read(ctx, opened.check)
	}
	if err != nil {
		return nil, errors.Join(l.unavailable("prepare the ledger's tables", err), engine.close())
	}
	return opened, nil
}

// read opens the ledger and returns what find found in a committed state of it.
func read[T any](ctx context.Context, l *Ledger, find func(context.Context, transaction) (T, error)) (found T, err error) {
	store, err := l.open(ctx)
	if err != nil {
		return found, err
	}
	err = store.read(ctx, func(ctx context.Context, tx transaction) (err error) {
		if err = store.check(ctx, tx); err == nil {
			found, err = find(ctx, tx)
		}
		return err
	})
	return found, l.unavailable("read the ledger", err)
}

// Close writes postponed settlements, as far as the database allows, and closes the database for good. The claims that this
// process still holds have a dead owner from then on.
func (l *Ledger) Close() error {
	l.mu.Lock()
	closed, retrying := l.closed, l.retrying
	l.closed, l.retrying = true, nil
	l.mu.Unlock()
	if closed {
		return nil
	}
	if retrying != nil {
		retrying.stop()
		<-retrying.done
	}
	l.opening.Do("", func() (any, error) { return nil, nil }) // waits for an attempt that is under way
	if l.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultLockWait)
	defer cancel()
	l.writePostponed(ctx, l.store, true)
	return l.store.close()
}

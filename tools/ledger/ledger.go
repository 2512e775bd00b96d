// Package ledger remembers which sends were begun and how they ended, so that a repeated call is never a second send.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Ledger is a record of sends in a SQL database. Exactly one of Path, DSN and Memory says where it lives. Nothing is
// opened, and no goroutine runs, before the first call that needs the database; an opening that fails is reported by that
// call and tried again by the next. Methods may be called from many goroutines.
type Ledger struct {
	// Path is a SQLite file that the processes of one user on one machine share. It is made when missing, mode 0600, in a
	// directory of mode 0700. A network file system is not supported: SQLite's WAL needs shared memory.
	Path string
	// DSN is a PostgreSQL URL or keyword string, or empty values that libpq's environment variables fill. Replicas share it.
	// It must reach one session, not a pooler in transaction mode: an owner's liveness is a session's advisory lock.
	DSN string
	// Memory keeps the record in this process alone, for as long as it lives.
	Memory bool
	// Log receives warnings; nil is slog.Default. Neither content nor passwords are ever logged.
	Log *slog.Logger

	lockWait time.Duration // how long another writer is waited for; 0 is defaultLockWait

	mu       sync.Mutex
	closed   bool
	book     *book
	opening  *opening
	live     map[string]chan struct{} // claim token -> closed once this process has settled it
	pending  map[string]pendingSettlement
	retrying *retries // nil while nothing is pending
}

// book is an opened ledger: its database and the key that its digests are made with.
type book struct {
	engine
	key []byte
}

type opening struct {
	done chan struct{}
	book *book
	err  error
}

// openTimeout bounds one attempt at opening the database, migrations included; chosen.
const openTimeout = 15 * time.Second

// defaultLockWait is how long a call waits for another process that holds the database's write lock; chosen so that a
// call still answers well within a host's 60 seconds.
const defaultLockWait = 5 * time.Second

// Open opens the database now instead of at the first call, for a readiness check. It is safe to call at any time.
func (l *Ledger) Open(ctx context.Context) error {
	_, err := l.open(ctx)
	return err
}

// Close settles what earlier could not be written, as far as the database allows, and lets go of it. The claims that this
// process still holds count as a dead owner's from then on. A closed ledger stays closed.
func (l *Ledger) Close() error {
	l.mu.Lock()
	l.closed = true
	book, attempt, retrying := l.book, l.opening, l.retrying
	l.book, l.retrying = nil, nil
	l.mu.Unlock()
	if retrying != nil {
		retrying.stop()
		<-retrying.done
	}
	if attempt != nil {
		<-attempt.done
		if attempt.err == nil {
			book = attempt.book
		}
	}
	if book == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultLockWait)
	defer cancel()
	l.settlePending(ctx, book)
	return book.close()
}

func (l *Ledger) open(ctx context.Context) (*book, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if l.book != nil {
		defer l.mu.Unlock()
		return l.book, nil
	}
	attempt := l.opening
	if attempt == nil {
		attempt = &opening{done: make(chan struct{})}
		l.opening = attempt
		go l.attempt(context.WithoutCancel(ctx), attempt)
	}
	l.mu.Unlock()
	select {
	case <-attempt.done:
		return attempt.book, attempt.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the ledger was not opened in time, nothing was recorded: %w", ctx.Err())
	}
}

func (l *Ledger) attempt(ctx context.Context, attempt *opening) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	attempt.book, attempt.err = l.openBook(ctx)
	l.mu.Lock()
	l.opening = nil
	if !l.closed {
		l.book = attempt.book
	}
	l.mu.Unlock()
	close(attempt.done)
}

func (l *Ledger) openBook(ctx context.Context) (*book, error) {
	engine, err := l.openEngine(ctx)
	if err != nil {
		return nil, unavailable("open the ledger", err)
	}
	key, err := migrate(ctx, engine)
	if err != nil {
		return nil, errors.Join(unavailable("prepare the ledger's tables", err), engine.close())
	}
	book := &book{engine: engine, key: key}
	if err := l.sweep(ctx, book); err != nil {
		l.log().WarnContext(ctx, "ledger: claims of dead owners were not looked through", "error", err)
	}
	return book, nil
}

func (l *Ledger) openEngine(ctx context.Context) (engine, error) {
	wait := l.lockWait
	if wait == 0 {
		wait = defaultLockWait
	}
	switch {
	case l.Path != "" && l.DSN == "" && !l.Memory:
		return openSQLite(ctx, l.Path, wait)
	case l.DSN != "" && l.Path == "" && !l.Memory:
		return openPostgres(ctx, l.DSN, wait)
	case l.Memory && l.Path == "" && l.DSN == "":
		return openSQLite(ctx, "", wait)
	}
	return nil, errors.New("exactly one of a file, a PostgreSQL address and memory must be chosen")
}

// unmade says that nothing was ever recorded: the file, where the ledger would be opened now, does not exist.
func (l *Ledger) unmade() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.book != nil || l.opening != nil || l.Path == "" || l.DSN != "" || l.Memory {
		return false
	}
	_, err := os.Stat(l.Path)
	return errors.Is(err, os.ErrNotExist)
}

func (l *Ledger) log() *slog.Logger {
	if l.Log == nil {
		return slog.Default()
	}
	return l.Log
}

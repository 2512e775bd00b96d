package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// sqliteEngine is a file that processes of one machine share, or memory when it has no path. One connection writes; a
// transaction begins IMMEDIATE, so that it alone writes from its first statement on.
type sqliteEngine struct {
	named   string // the path as it was given, made absolute; "" is memory
	path    string // the same without symbolic links: owners are found beside it, whatever name leads there
	db      *sql.DB
	writer  *writer
	readers *sqliteStatements
	self    ownerFile
	made    os.FileInfo // the file that was opened
}

func openSQLite(ctx context.Context, path string, wait time.Duration) (_ engine, err error) {
	e := &sqliteEngine{}
	if path != "" {
		if e.named, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		if err := makeFile(e.named); err != nil {
			return nil, err
		}
		if e.path, err = filepath.EvalSymlinks(e.named); err != nil {
			return nil, err
		}
	}
	connector, err := sqlite.NewConnector(e.address(wait))
	if err != nil {
		return nil, err
	}
	e.db = sql.OpenDB(connector)
	e.db.SetMaxIdleConns(4)
	e.db.SetMaxOpenConns(5) // one of them writes
	conn, err := e.connect(ctx, wait)
	if err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	if e.path != "" {
		if e.made, err = os.Stat(e.path); err != nil {
			return nil, errors.Join(err, conn.Close(), e.db.Close())
		}
		e.self.base = e.path
		removeDeadOwners(e.path)
	}
	e.writer, e.readers = newWriter(conn, e.unreplaced), &sqliteStatements{on: e.db}
	return e, nil
}

// connect opens the connection that writes. Turning a new file to WAL needs it alone, and SQLite does not wait for that
// (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode"), so it is tried until the wait is over.
func (e *sqliteEngine) connect(ctx context.Context, wait time.Duration) (*sql.Conn, error) {
	for end := time.Now().Add(wait); ; {
		conn, err := e.db.Conn(ctx)
		if err == nil || reason(err) != Locked || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollFirst):
		}
	}
}

// address is SQLite's URI of the database, https://www.sqlite.org/uri.html, with the settings of every connection.
func (e *sqliteEngine) address(wait time.Duration) string {
	settings := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)",
		"fullfsync(1)", // macOS: fsync alone does not reach the disk
		"trusted_schema(0)",
		"cache_size(-1024)", // KiB of each connection, half of the default; chosen
	}}
	if e.path == "" {
		return "file::memory:?" + settings.Encode()
	}
	path := filepath.ToSlash(e.path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

// unreplaced says that the file is still the one that was opened, and not emptied: records in a file that nobody else finds protect nobody.
func (e *sqliteEngine) unreplaced() error {
	if e.path == "" {
		return nil
	}
	now, err := os.Stat(e.named)
	if err != nil || !os.SameFile(now, e.made) {
		return errReplaced
	}
	if now.Size() == 0 {
		return errEmpty
	}
	return nil
}

func (e *sqliteEngine) write(ctx context.Context, op operation) error { return e.writer.do(ctx, op) }

func (e *sqliteEngine) read(ctx context.Context, op operation) error {
	if e.path == "" {
		return e.writer.do(ctx, op) // memory belongs to one connection
	}
	return op(ctx, e.readers)
}

func (e *sqliteEngine) lock(context.Context, querier, lockSpace, []byte) error { return nil } // it is alone anyway

func (e *sqliteEngine) owner(context.Context) (string, error) { return e.self.hold() }

func (e *sqliteEngine) disown(string) {}

func (e *sqliteEngine) alive(_ context.Context, _ querier, token string) (bool, error) {
	return e.self.alive(token)
}

func (e *sqliteEngine) grace() time.Duration { return 0 } // the lock ends with the process, not before

func (e *sqliteEngine) holding(ctx context.Context, token string, op operation) error {
	if err := e.unreplaced(); err != nil {
		return err
	}
	if !e.self.held(token) {
		return ErrClaimLost
	}
	return e.read(ctx, op)
}

func (e *sqliteEngine) exists(ctx context.Context, db querier, table string) (there bool, err error) {
	err = db.row(ctx, "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = $1", table).Scan(&there)
	return there, err
}

func (e *sqliteEngine) close() error {
	return errors.Join(e.writer.close(), e.readers.close(), e.db.Close(), e.self.release())
}

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
)

// sqliteEngine is a file that processes of one machine share, or memory. One connection writes. Its transactions begin
// IMMEDIATE, so that no other process writes from their first statement on.
type sqliteEngine struct {
	*ownerFile
	given  string // the absolute path that the caller named; "" is memory
	path   string // the same without symbolic links, so that all names of the file lead to the same owner files
	db     *sql.DB
	writer *groupCommit
	reader *sqliteTransaction
	opened []os.FileInfo // what files found when it was opened
	raised int64         // what this process wrote to the mark; while it is alive, nobody accepts a loss and lowers that
}

// files are the database and what SQLite keeps beside it while anybody has it open. The path as given may lead elsewhere later.
func (e *sqliteEngine) files() []string { return []string{e.given, e.path + "-wal", e.path + "-shm"} }

func openSQLite(ctx context.Context, path string, wait time.Duration, mustExist, accepts bool) (_ engine, err error) {
	e := &sqliteEngine{}
	if path != "" {
		e.given, _ = filepath.Abs(path)
		if e.path, err = realPath(path); err == nil {
			livingOwners(e.path) // removes a second name that a kill left
			err = makeFile(ctx, e.path, mustExist, accepts)
		}
		if err == nil {
			e.path, err = filepath.EvalSymlinks(e.path)
		}
		if err != nil {
			return nil, err
		}
	}
	if e.db, err = sql.Open("sqlite", sqliteURI(e.path, wait)); err != nil {
		return nil, err
	}
	e.db.SetMaxIdleConns(4)
	e.db.SetMaxOpenConns(5) // one of them writes
	conn, err := e.db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "SELECT count(*) FROM sqlite_schema") // makes the -wal, if a copy had none
	}
	if err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	e.ownerFile = &ownerFile{database: e.path}
	e.reader = &sqliteTransaction{sqlRunner{dialect: sqliteSQL, on: e.db}, e.ownerFile}
	tx := &sqliteTransaction{sqlRunner{dialect: sqliteSQL, on: conn, prepared: map[string]*sql.Stmt{}}, e.ownerFile}
	e.writer = &groupCommit{conn: conn, tx: tx, check: e.checkFile, wake: make(chan struct{}), jobs: make(chan job),
		ended: make(chan struct{}), done: make(chan struct{})}
	for _, name := range e.files() {
		info, err := os.Stat(name)
		if e.path != "" && err != nil {
			return nil, errors.Join(err, conn.Close(), e.db.Close())
		}
		e.opened = append(e.opened, info)
	}
	go e.writer.run()
	return e, nil
}

// sqliteURI names the database (https://www.sqlite.org/uri.html) and the settings of every connection.
func sqliteURI(path string, wait time.Duration) string {
	settings := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)",
		"fullfsync(1)", // on macOS fsync alone does not reach the disk
		"trusted_schema(0)",
		"cache_size(-1024)", // KiB of each connection; half of the default is enough for these tables
	}}
	if path == "" {
		return "file::memory:?" + settings.Encode()
	}
	return fileURI(path, settings)
}

func fileURI(path string, settings url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

// checkFile fails when a file was removed, replaced or emptied: nobody else would find what is recorded in it.
func (e *sqliteEngine) checkFile() error {
	if e.path == "" {
		return nil
	}
	for i, name := range e.files() {
		now, err := os.Stat(name)
		if err != nil || !os.SameFile(now, e.opened[i]) {
			return errReplaced
		}
		if i == 0 && now.Size() == 0 {
			return errEmpty
		}
	}
	return nil
}

func (e *sqliteEngine) write(ctx context.Context, op operation) error { return e.writer.do(ctx, op) }

func (e *sqliteEngine) read(ctx context.Context, op operation) error {
	if e.path == "" {
		return e.writer.do(ctx, op) // a database in memory belongs to one connection
	}
	return op(ctx, e.reader)
}

func (e *sqliteEngine) asOwner(ctx context.Context, token string, entry int64, op operation) error {
	return e.write(ctx, func(ctx context.Context, tx transaction) error {
		if !e.isOurs(token) {
			return ErrClaimLost
		}
		if err := e.raise(entry); err != nil {
			return err
		}
		return op(ctx, tx)
	})
}

func (e *sqliteEngine) close() error {
	return errors.Join(e.writer.close(), e.db.Close(), e.release())
}

// sqliteSQL translates this package's SQL to SQLite's.
var sqliteSQL = strings.NewReplacer("{now}", "CAST(unixepoch('subsec') * 1000 AS INTEGER)", "{owner_lives}", "TRUE",
	"{table_exists}", "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
	"{id}", "INTEGER PRIMARY KEY", "{blob}", "blob", "$", "?")

// sqliteTransaction runs SQL on the connection that writes, or on a *sql.DB for reading.
type sqliteTransaction struct {
	sqlRunner
	self *ownerFile
}

func (t *sqliteTransaction) lock(context.Context, int32, []byte) error { return nil } // it is alone already

func (t *sqliteTransaction) alive(_ context.Context, token string) (bool, error) {
	return t.self.alive(token)
}

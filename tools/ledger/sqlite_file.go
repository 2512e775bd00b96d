package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/gofrs/flock"
)

// realPath is the absolute path without symbolic links, if there is such a file.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if real, missing := filepath.EvalSymlinks(path); missing == nil {
		path = real
	}
	return path, err
}

// makeFile makes the file if it is missing, and private. A new file gets its name only when it is a database. So an empty file
// always is one that lost its entries, and must not be used: what it had recorded would be sent again. With mustExist it fails
// where the file is missing or no ledger, and leaves it as it is.
func makeFile(ctx context.Context, path string, mustExist, accepts bool) error {
	lost := neverUsed(path) // before the look, because another process may make the ledger meanwhile
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && mustExist:
		return cmp.Or(lost, err)
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Readlink(path); err == nil {
			return errNowhere // its ledger is lost, or its disk is not there
		}
		return newFile(ctx, path, accepts)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errNoFile
	case info.Size() == 0:
		return errEmpty
	case names(info) > 1:
		return errLinked
	case mustExist:
		err = findTables(ctx, path, cmp.Or(lost, errNoLedger))
	}
	for _, name := range Files(path) {
		if err == nil {
			err = makePrivate(name)
		}
	}
	return err
}

// names is how many names a file has: SQLite would take them for as many databases. Windows does not tell.
func names(info os.FileInfo) uint64 {
	if links := reflect.Indirect(reflect.ValueOf(info.Sys())).FieldByName("Nlink"); links.IsValid() {
		return links.Uint()
	}
	return 1
}

// findTables fails with none where a database is no ledger. It leaves somebody else's database as it is, which opening it as a
// ledger does not.
func findTables(ctx context.Context, path string, none error) error {
	db, err := sql.Open("sqlite", fileURI(path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}))
	if err != nil {
		return err
	}
	defer db.Close()
	var made bool
	err = db.QueryRowContext(ctx, sqliteSQL.Replace("SELECT {table_exists}"), metaTable).Scan(&made)
	if err == nil && !made {
		err = none
	}
	return err
}

// makePrivate takes the permissions of everybody but the owner away. It must not open the file: closing it again would end the
// locks that this process has on it.
func makePrivate(name string) error {
	info, err := os.Stat(name)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(name, info.Mode().Perm()&^0o077)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// newFile makes a database without tables under a temporary name and moves it to its own. One process at a time does: it has the
// mark locked, and removes what a killed one left. Where a loss is accepted, the mark may say that there was one.
func newFile(ctx context.Context, path string, accepts bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock := flock.New(path+markSuffix, flock.SetFlag(os.O_RDWR|os.O_CREATE))
	if _, err := lock.TryLockContext(ctx, time.Millisecond); err != nil {
		return cmp.Or(neverUsed(path), err)
	}
	defer lock.Close()
	if _, err := os.Stat(path); err == nil {
		return nil // another process was first
	}
	lost := neverUsed(path)
	if m, _ := readMark(path); lost != nil && accepts { // a broken mark would pass for one that was never whole
		lost = mark{rand.Text(), max(m.highest, 1)}.write(path)
	}
	if lost != nil {
		return lost
	}
	temporary := path + "-making"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(temporary + suffix)
	}
	if err := os.WriteFile(temporary, nil, 0o600); err != nil { // SQLite's -wal and -shm inherit the mode
		return err
	}
	db, err := sql.Open("sqlite", sqliteURI(temporary, defaultLockWait))
	if err == nil {
		err = errors.Join(db.Ping(), db.Close()) // turning it to WAL writes its first page
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	return err
}

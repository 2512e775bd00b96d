package ledger

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
)

// makeFile makes the file if it is missing, and private. A new file gets its name only when it is a database. So an empty file
// always is one that lost its entries, and must not be used: what it had recorded would be sent again.
func makeFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return newFile(path)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errNoFile
	case info.Size() == 0:
		return errEmpty
	}
	return errors.Join(makePrivate(path), makePrivate(path+"-wal"), makePrivate(path+"-shm"))
}

// findTables fails where the file does not exist or is no ledger. It leaves somebody else's database as it is, which opening
// it as a ledger does not.
func findTables(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err // makeFile says what else is wrong
	}
	db, err := sql.Open("sqlite", fileURI(path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}))
	if err != nil {
		return err
	}
	defer db.Close()
	var made bool
	if err = db.QueryRowContext(ctx, sqliteSQL.Replace("SELECT {table_exists}"), metaTable).Scan(&made); err == nil && !made {
		err = errNoLedger
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

// newFile makes a database without tables under a temporary name and links it to its own. The first process to link wins.
func newFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-new-*") // mode 0600, which SQLite's -wal and -shm inherit
	if err != nil {
		return err
	}
	temporary := file.Name()
	defer os.Remove(temporary)
	db, err := sql.Open("sqlite", sqliteURI(temporary, defaultLockWait))
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Close(), db.Ping(), db.Close()); err != nil { // turning it to WAL writes its first page
		return err
	}
	err = os.Link(temporary, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return nil
	}
	return copyFile(path, temporary)
}

// copyFile is for a file system without links. A process that opens an incomplete file finds it damaged and sends nothing.
func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

package ledger

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
)

// makeFile sees to it that the file is there, for its owner's eyes alone. A new one gets its name once it is a database, so
// that an empty file is always one that was emptied: what it had recorded is lost, and to go on would be to send again.
func makeFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return newFile(path)
	}
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return errEmpty
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := hide(name); err != nil {
			return err
		}
	}
	return nil
}

// hide takes the permissions of everybody but the owner away. The file is not opened for it: closing it again would end the
// locks that this process has on it.
func hide(name string) error {
	info, err := os.Stat(name)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(name, info.Mode().Perm()&^0o077)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// newFile makes a database without tables under another name and links it to its own, which is left to whoever comes first.
func newFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-new-*") // mode 0600; SQLite's -wal and -shm get the same
	if err != nil {
		return err
	}
	made := file.Name()
	defer os.Remove(made)
	if err := file.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", (&sqliteEngine{path: made}).address(defaultLockWait))
	if err != nil {
		return err
	}
	if err := errors.Join(db.Ping(), db.Close()); err != nil { // turning it to WAL writes its first page
		return err
	}
	err = os.Link(made, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return nil
	}
	return copyTo(path, made)
}

// copyTo does without a link where the file system has none. Who looks in the middle of it sees a damaged file and sends nothing.
func copyTo(path, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

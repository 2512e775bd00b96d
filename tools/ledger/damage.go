package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Check says what is damaged or missing, or nil. It refuses while a process lives that has claimed a send. It is for a person who
// then decides to go on with Accepts: with what can be opened, or when Files were moved aside with a new ledger.
func (l *Ledger) Check(ctx context.Context) error {
	if l.Path == "" {
		return errNoMark
	}
	path, err := realPath(l.Path)
	if err == nil && livingOwners(path) {
		err = errInUse
	}
	if err == nil {
		_, err = l.Losses(ctx)
	}
	if err == nil {
		err = l.unavailable("read the ledger", l.store.read(ctx, sound))
	}
	return err
}

// sound fails when a SQLite database contradicts itself.
func sound(ctx context.Context, tx transaction) error {
	var found string
	err := tx.queryRow(ctx, "PRAGMA integrity_check(1)").Scan(&found)
	if err == nil && found != "ok" {
		err = fmt.Errorf("%w: %s", errMissing, found)
	}
	return err
}

// Losses returns what was recorded with Accepts, a line each, oldest first. The error also says what is missing now.
func (l *Ledger) Losses(ctx context.Context) (string, error) {
	return read(ctx, l, func(ctx context.Context, tx transaction) (records string, err error) {
		err = tx.queryRow(ctx, "SELECT losses FROM "+metaTable).Scan(&records)
		if lite, ok := l.store.engine.(*sqliteEngine); ok && err == nil {
			if _, err = lite.verify(ctx, tx); errors.Is(err, errMissing) { // or the first mark was made meanwhile
				_, err = lite.verify(ctx, tx)
			}
		}
		return records, err
	})
}

// Files are those of a SQLite file, its mark last.
func Files(path string) []string {
	return []string{path, path + "-wal", path + "-shm", path + markSuffix}
}

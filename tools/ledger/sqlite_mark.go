package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// mark says outside of a SQLite file how far it has come: it is the file PATH-mark. Entries are numbered without a gap and never
// removed, so a database whose last entry is before the mark has lost some: a part of its WAL, or everything since a backup.
type mark struct {
	ledger  string // a token that the database has, too; "" while it has none
	highest int64  // the number of the last entry; more in the database than in the file is no damage
}

const markSuffix = "-mark"

// line is the file's content. Its length never changes, so that it is overwritten in place. Nobody reads its first byte: on
// Windows a lock is on that, and keeps others from reading it.
func (m mark) line() string {
	facts := fmt.Sprintf("%s %020d", m.ledger, m.highest)
	return fmt.Sprintf("#%s %08x\n", facts, crc32.ChecksumIEEE([]byte(facts)))
}

// write returns when the file is durable. Its name in the directory may not be.
func (m mark) write(database string) error {
	file, err := os.OpenFile(database+markSuffix, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(m.line()[1:]), 1)
	return errors.Join(err, file.Sync(), file.Close())
}

// readMark returns a zero mark when there is none, and errMark when it is broken.
func readMark(database string) (m mark, err error) {
	if info, err := os.Stat(database + markSuffix); err == nil && !info.Mode().IsRegular() {
		return mark{}, errMark // opening a pipe would wait for its other end
	}
	file, err := os.Open(database + markSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, err
	}
	defer file.Close()
	for range 3 { // another process may be writing it
		content, err := io.ReadAll(io.NewSectionReader(file, 1, 256))
		if err != nil || len(content) == 0 {
			return mark{}, err // whoever makes a ledger locks the file, and has not written it yet
		}
		fmt.Sscanf(string(content), "%s %d", &m.ledger, &m.highest)
		if m.line()[1:] == string(content) {
			return m, nil
		}
		time.Sleep(pollFirst)
	}
	return mark{}, errMark
}

// neverUsed fails where a mark says that a database, which is not there or has no tables, had entries.
func neverUsed(database string) error {
	m, err := readMark(database)
	if err == nil && m.highest > 0 {
		err = missing(0, m.highest)
	}
	return err
}

// verify returns the mark that is true for what tx sees, and fails when entries are missing. It reads the file first: what that
// says was committed before. Only where tx writes can no other process make the first mark in between.
func (e *sqliteEngine) verify(ctx context.Context, tx transaction) (mark, error) {
	m, unread := readMark(e.path)
	var token sql.NullString
	var highest sql.NullInt64
	err := tx.queryRow(ctx, "SELECT mark, (SELECT max(id) FROM twilio_proxy_mcp_sends) FROM "+metaTable).Scan(&token, &highest)
	now := mark{token.String, highest.Int64}
	switch {
	case err != nil:
	case !token.Valid && errors.Is(unread, errMark): // it was never whole
	case unread != nil:
		err = unread
	case token.Valid && token.String != m.ledger:
		err = errMark
	case m.highest > now.highest:
		err = missing(now.highest, m.highest)
	}
	return now, err
}

// adopt gives a ledger without a mark its first one, and has it compared from then on. Who only looks makes none. A person who
// accepts what is missing has that recorded, and the mark set right.
func (e *sqliteEngine) adopt(ctx context.Context, looks bool, accepts string) error {
	if e.path == "" || len(migrations) < markVersion { // in a test, which is an older program
		return nil
	}
	defer func() { e.writer.verify = e.verify }()
	if looks {
		return nil
	}
	now, err := e.verify(ctx, e.reader)
	if accepts == "" && err == nil && now.ledger != "" {
		return nil // opening it waits for nobody who writes
	}
	err = e.write(ctx, func(ctx context.Context, tx transaction) (err error) {
		now, err = e.verify(ctx, tx)
		switch {
		case accepts != "" && (err == nil || errors.Is(err, errMissing)):
			_, err = tx.exec(ctx, "UPDATE "+metaTable+" SET losses = losses || $1", accepts+"\n")
			err = cmp.Or(err, sound(ctx, tx)) // what is not sound is moved aside; until a new ledger records that, the mark tells it
		case now.ledger != "":
			return err
		}
		now.ledger = rand.Text() // which no copy of the ledger from before has
		if err == nil && accepts == "" {
			err = now.place(e.path) // first, so that no kill in between looks like a loss
		}
		if err == nil {
			_, err = tx.exec(ctx, "UPDATE "+metaTable+" SET mark = $1", now.ledger)
		}
		return err
	})
	if err == nil && accepts != "" {
		err = now.place(e.path) // last, so that no kill in between hides a loss that is not recorded
	}
	return err
}

// place writes a new mark. Its name is durable, too.
func (m mark) place(database string) error {
	err := m.write(database)
	if directory, unopened := os.Open(filepath.Dir(database)); unopened == nil {
		directory.Sync() // Windows cannot
		directory.Close()
	}
	return err
}

// raise returns when the mark has an entry that was committed before the present transaction began.
func (e *sqliteEngine) raise(number int64) error {
	if e.writer.verify == nil || e.raised >= number {
		return nil
	}
	err := e.writer.seen.write(e.path)
	if err == nil {
		e.raised = e.writer.seen.highest
	}
	return err
}

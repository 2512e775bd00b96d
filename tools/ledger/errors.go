package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller tells apart. None of them goes with a granted claim.
var (
	// ErrInProgress: another send of the same is under way and was not settled in time; the context's error is wrapped too.
	ErrInProgress = errors.New("another send of the same message is under way and was not settled in time")
	// ErrClaimLost: the claim stands no more; somebody took its owner for dead, or resolved it. Nothing may be sent on it.
	ErrClaimLost = errors.New("the claim on this message does not stand any more")
	// ErrSidKnown: the interaction already belongs to another entry.
	ErrSidKnown = errors.New("this interaction already belongs to another entry of the ledger")
	// ErrAmbiguous: another entry could be the one that the interaction found upstream belongs to.
	ErrAmbiguous = errors.New("another unresolved entry of the ledger has the same content")
	// ErrNotUnresolved: only an unknown entry can be resolved, and this one has another state.
	ErrNotUnresolved = errors.New("the entry's outcome is not unknown")
	// ErrOwnerAlive: the process that claimed the entry lives and may still send or settle it.
	ErrOwnerAlive = errors.New("the process that is sending this message is still running")
	// ErrNotFound: the ledger has no entry of this ID.
	ErrNotFound = errors.New("the ledger has no such entry")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the ledger is closed")
)

// errMayLive is an ErrOwnerAlive that is not proven.
var errMayLive = fmt.Errorf("%w, for all that is known: only its database session is gone; try again a minute after the message was begun",
	ErrOwnerAlive)

// Reason says why a database could not be used.
type Reason string

// The reasons of an UnavailableError.
const (
	Full      Reason = "full"       // no space, or a limit on the size was reached
	ReadOnly  Reason = "read_only"  // the file, its directory or the server does not allow writing
	Locked    Reason = "locked"     // somebody held a lock for longer than a call waits
	Corrupt   Reason = "corrupt"    // the file is damaged, emptied, or no database of SQLite
	Gone      Reason = "gone"       // the server or the file cannot be reached, or was replaced while in use
	TooNew    Reason = "too_new"    // a newer version of this program made the tables
	OtherFail Reason = "other_fail" // anything else; Err says what
)

// UnavailableError says that the ledger could not do what was asked: what was to be recorded is not.
// For a claim that means that nothing may be sent; for a settlement, that the entry stands as claimed.
type UnavailableError struct {
	Doing  string // what the ledger was doing
	Reason Reason
	Err    error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the ledger is unavailable (%s), could not %s: %v", e.Reason, e.Doing, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

var errTooNew = errors.New("a newer version of this program made the ledger's tables: update this program")

var errEmpty = errors.New("the ledger's file is empty, and what it had recorded is lost: put it back, or remove it to begin a new ledger, which knows of no earlier message")

var errReplaced = errors.New("the ledger's file was removed or replaced while in use: restart this program")

func unavailable(doing string, err error) error {
	var already *UnavailableError
	if err == nil || errors.As(err, &already) || errors.Is(err, ErrClosed) || errors.Is(err, ErrClaimLost) {
		return err
	}
	return &UnavailableError{Doing: doing, Reason: reason(err), Err: err}
}

func reason(err error) Reason {
	var lite *sqlite.Error
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, errTooNew):
		return TooNew
	case errors.Is(err, errEmpty):
		return Corrupt
	case errors.As(err, &lite):
		return sqliteReason(lite.Code())
	case errors.As(err, &server):
		return postgresReason(server.Code)
	case errors.Is(err, os.ErrPermission):
		return ReadOnly
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, errReplaced), errors.Is(err, errOwnerGone), errors.Is(err, context.DeadlineExceeded):
		return Gone
	}
	return OtherFail
}

// sqliteReason reads a result code, https://www.sqlite.org/rescode.html; the low byte is the primary one.
func sqliteReason(code int) Reason {
	if code == sqlite3.SQLITE_IOERR_SHMSIZE { // the -shm file cannot grow: so a full disk shows at opening
		return Full
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return Full
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return ReadOnly
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return Locked
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return Corrupt
	case sqlite3.SQLITE_CANTOPEN:
		return Gone
	}
	return OtherFail
}

// postgresReason reads a SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html.
func postgresReason(code string) Reason {
	switch {
	case code == "53100" || code == "53200":
		return Full
	case code == "25006" || code == "42501":
		return ReadOnly
	case code == "55P03" || code == "57014" || code == "40P01":
		return Locked
	case len(code) == 5 && (code[:2] == "08" || code[:2] == "57" || code[:2] == "53" || code[:2] == "28" || code[:2] == "3D" || code[:2] == "25"):
		return Gone
	case code == "XX001" || code == "XX002":
		return Corrupt
	}
	return OtherFail
}

package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller tells apart. None of them comes with a granted claim.
var (
	ErrInProgress    = errors.New("another send of the same message is under way and was not settled in time")
	ErrTooLate       = errors.New("the wait took so long that no time is left to send the message")
	ErrClaimLost     = errors.New("the claim on this message does not stand any more")
	ErrSidKnown      = errors.New("this interaction already belongs to another entry of the ledger")
	ErrAmbiguous     = errors.New("another unresolved entry of the ledger has the same content")
	ErrNotUnresolved = errors.New("the entry's outcome is not unknown")
	ErrOwnerAlive    = errors.New("the process that is sending this message is still running")
	ErrNotFound      = errors.New("the ledger has no such entry")
	ErrClosed        = errors.New("the ledger is closed")
	// errOtherEntry is an ErrNotFound.
	errOtherEntry = fmt.Errorf("%w: it has another message under this number, so the ID is of another ledger", ErrNotFound)
	// errMayLive is an ErrOwnerAlive that is not proven.
	errMayLive = fmt.Errorf("%w, for all that is known: only its database session is gone; try again a minute after the message was begun",
		ErrOwnerAlive)
	errTooNew    = errors.New("a newer version of this program made the ledger's tables: update this program")
	errNoLedger  = errors.New("this is not a ledger: its tables are not there, and none were made")
	errNoFile    = errors.New("this is not a ledger: it is a directory, or something else that is no file")
	errNoMark    = errors.New("a ledger on PostgreSQL has no mark that could be set right: " + wayOutPostgres)
	errInUse     = errors.New("a process that has sent with the ledger is still running: stop every server that uses it first")
	errLinked    = errors.New("the ledger's file has a second name, a hard link; SQLite takes both names for two databases and damages them: remove one of them")
	errNowhere   = errors.New("the ledger's path is a symbolic link to a file that is not there: put the file back, or name it instead of the link")
	errMissing   = errors.New("entries of the ledger are missing")
	errEmpty     = fmt.Errorf("%w: its file is empty", errMissing)
	errOtherOne  = fmt.Errorf("%w, or another ledger is in its place", errMissing)
	errMark      = fmt.Errorf("%w, as far as can be told: its mark, the file beside it that ends in -mark, is gone, broken, or of another ledger or copy", errMissing)
	errReplaced  = errors.New("a file of the ledger was removed, moved or replaced while in use: put it back, and restart this program")
	errOwnerGone = errors.New("the connection that shows this process alive was lost")
)

// answers are the errors above that are not a failure of the database.
var answers = []error{ErrClaimLost, ErrSidKnown, ErrAmbiguous, ErrNotUnresolved, ErrOwnerAlive, ErrNotFound, ErrClosed, errNoLedger, errNoFile,
	errNoMark, errInUse, errLinked}

// What a person does about a Corrupt ledger. On PostgreSQL only running servers know that entries are missing.
const (
	wayOutSQLite   = `put the right files back, or go on without what is lost: "twilio-proxy-mcp history accept-loss"`
	wayOutPostgres = "put back what is missing, or look at what went out and restart every server, which then goes on with what is there"
)

// missing says which entries are.
func missing(known, marked int64) error {
	return fmt.Errorf("%w: entry %d was recorded, but the last one there is %d", errMissing, marked, known)
}

// Reason says why a database could not be used.
type Reason string

// The reasons of an UnavailableError.
const (
	Full      Reason = "full"       // no space is left, or a limit on the size is reached
	ReadOnly  Reason = "read_only"  // the file, its directory or the server does not allow writing
	Locked    Reason = "locked"     // somebody held a lock for longer than a call waits
	Corrupt   Reason = "corrupt"    // the file is damaged, emptied, or no SQLite database, or entries are missing
	Gone      Reason = "gone"       // the server or the file cannot be reached, or was replaced while in use
	TooNew    Reason = "too_new"    // a newer version of this program made the tables
	OtherFail Reason = "other_fail" // anything else; see Err
)

// UnavailableError says that the ledger could not record what was asked. After a claim, nothing may be sent. After a
// settlement, the entry stays claimed.
type UnavailableError struct {
	Doing  string // what the ledger was doing
	Reason Reason
	WayOut string // with Corrupt: what a person can do
	Err    error
}

func (e *UnavailableError) Error() string {
	text := fmt.Sprintf("the ledger is unavailable (%s), could not %s: %v", e.Reason, e.Doing, e.Err)
	if e.WayOut != "" {
		text += "; " + e.WayOut
	}
	return text
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// unavailable wraps a failure of the database.
func (l *Ledger) unavailable(doing string, err error) error {
	if err == nil || slices.ContainsFunc(answers, func(answer error) bool { return errors.Is(err, answer) }) {
		return err
	}
	unusable := &UnavailableError{Doing: doing, Reason: reason(err), Err: err}
	switch {
	case unusable.Reason == Corrupt && l.DSN != "":
		unusable.WayOut = wayOutPostgres
	case unusable.Reason == Corrupt:
		unusable.WayOut = wayOutSQLite
	}
	return unusable
}

func reason(err error) Reason {
	var lite *sqlite.Error
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, errTooNew):
		return TooNew
	case errors.Is(err, errMissing), errors.Is(err, sql.ErrNoRows): // the row that says what the ledger is
		return Corrupt
	case errors.As(err, &lite):
		return cmp.Or(sqliteReasons[lite.Code()], sqliteReasons[lite.Code()&0xff], OtherFail)
	case errors.As(err, &server):
		return cmp.Or(postgresReasons[server.Code], postgresReasons[server.Code[:min(2, len(server.Code))]], OtherFail)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return ReadOnly
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Full
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, errReplaced), errors.Is(err, errNowhere), errors.Is(err, errOwnerGone), errors.Is(err, context.DeadlineExceeded):
		return Gone
	}
	return OtherFail
}

// sqliteReasons are SQLite's result codes, https://www.sqlite.org/rescode.html. The low byte of a code is its primary code.
var sqliteReasons = map[int]Reason{
	sqlite3.SQLITE_FULL: Full, sqlite3.SQLITE_IOERR_SHMSIZE: Full, // on a full disk the -shm file cannot grow
	sqlite3.SQLITE_READONLY: ReadOnly, sqlite3.SQLITE_PERM: ReadOnly,
	sqlite3.SQLITE_BUSY: Locked, sqlite3.SQLITE_LOCKED: Locked,
	sqlite3.SQLITE_CORRUPT: Corrupt, sqlite3.SQLITE_NOTADB: Corrupt, sqlite3.SQLITE_ERROR: Corrupt, // a table is missing
	sqlite3.SQLITE_CANTOPEN: Gone,
}

// postgresReasons are codes, https://www.postgresql.org/docs/current/errcodes-appendix.html, and classes, their first two characters.
var postgresReasons = map[string]Reason{
	"53100": Full, "53200": Full,
	"25006": ReadOnly, "42501": ReadOnly,
	"55P03": Locked, "57014": Locked, "40P01": Locked,
	"XX001": Corrupt, "XX002": Corrupt, "42P01": Corrupt, // a table is missing
	"08": Gone, "25": Gone, "28": Gone, "3D": Gone, "53": Gone, "57": Gone,
}

// isUnique says whether a unique index refused a row.
func isUnique(err error) bool {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
	}
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.Code == "23505" // unique_violation
}

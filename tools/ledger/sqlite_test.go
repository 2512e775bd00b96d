package ledger

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func requireUnavailable(t *testing.T, err error, reason Reason) {
	t.Helper()
	var unusable *UnavailableError
	require.ErrorAs(t, err, &unusable)
	require.Equal(t, reason, unusable.Reason, err)
}

// A copy that SQLite's VACUUM INTO made has no WAL yet.
func TestACopyWithoutAWALIsUsedAtOnce(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	require.NoError(t, l.Close())
	db, err := sql.Open("sqlite", p.path)
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA journal_mode = DELETE")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.Equal(t, Replay, decide(t, p.open(t), intent("hello")).Verdict)
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits: the user's profile directory is what keeps others out")
	}
	p := newPlace(t, "sqlite")
	l := p.open(t)
	claim(t, l, intent("hello"))
	dir, err := os.Stat(filepath.Dir(p.path))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	files, err := os.ReadDir(filepath.Dir(p.path))
	require.NoError(t, err)
	require.Len(t, files, 5) // database, -wal, -shm, mark, owner
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
	}
	require.NoError(t, l.Close())
	files, err = os.ReadDir(filepath.Dir(p.path))
	require.NoError(t, err)
	require.Len(t, files, 2) // database, mark

	other := p.open(t)
	claim(t, other, intent("other"))
	names := Files(p.path)
	for _, name := range names {
		require.NoError(t, os.Chmod(name, 0o644))
	}
	require.NoError(t, p.open(t).Open(t.Context()))
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestEveryCommitReachesTheDisk(t *testing.T) {
	l := newPlace(t, "sqlite").open(t)
	store, err := l.open(t.Context())
	require.NoError(t, err)
	for _, run := range []func(context.Context, operation) error{store.write, store.read} {
		var journal string
		var synchronous int
		require.NoError(t, run(t.Context(), func(ctx context.Context, tx transaction) error {
			return errors.Join(tx.queryRow(ctx, "PRAGMA journal_mode").Scan(&journal),
				tx.queryRow(ctx, "PRAGMA synchronous").Scan(&synchronous))
		}))
		require.Equal(t, "wal", journal)
		require.Equal(t, 2, synchronous) // FULL
	}
}

func TestAFullFileGrantsNothing(t *testing.T) {
	l := newPlace(t, "sqlite").open(t)
	before := claim(t, l, intent("before"))
	sqlOn(t, l, "PRAGMA max_page_count = 1") // SQLite raises this to the present size
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		var d Decision
		if d, err = l.Claim(t.Context(), keyed("hello", string(rune('a'+i)))); err == nil {
			require.Equal(t, Granted, d.Verdict)
		}
	}
	requireUnavailable(t, err, Full)

	// The message was sent. Its settlement fails, and is written when there is space again.
	big := Settlement{State: Sent, Sid: sid("KI", "a"), Receipt: []byte(`{"url":"` + pad(100_000) + `"}`)}
	requireUnavailable(t, before.Settle(t.Context(), big), Full)
	require.Equal(t, Claimed, entryOf(t, l, before.ID).State)
	sqlOn(t, l, "PRAGMA max_page_count = 1000000")
	require.Equal(t, Replay, decide(t, l, intent("before")).Verdict)
}

func pad(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

// entryOf reads an entry and, other than History, changes nothing.
func entryOf(t *testing.T, l *Ledger, id ID) Entry {
	store, err := l.open(t.Context())
	require.NoError(t, err)
	var r record
	require.NoError(t, store.read(t.Context(), func(ctx context.Context, tx transaction) (err error) {
		r, err = recordByID(ctx, tx, id)
		return err
	}))
	return r.Entry
}

func TestAReadOnlyFileGrantsNothing(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	claim(t, l, intent("before"))
	sqlOn(t, l, "PRAGMA query_only = 1") // gives the error of a read-only file, even to root
	_, err := l.Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, ReadOnly)
	entries, err := l.History(t.Context(), Filter{})
	require.NoError(t, err)
	require.Len(t, entries, 1)

	if os.Getuid() > 0 { // root may write anything
		require.NoError(t, l.Close())
		require.NoError(t, os.Chmod(filepath.Dir(p.path), 0o500))
		_, err = p.open(t).Claim(t.Context(), intent("hello"))
		requireUnavailable(t, err, ReadOnly)
		require.NoError(t, os.Chmod(filepath.Dir(p.path), 0o700))
	}
}

// lockFile locks the file for writing, as another program would, until unlock is called.
func lockFile(t *testing.T, p place) (unlock func()) {
	db, err := sql.Open("sqlite", p.path)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() {
		_, err := conn.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
	}
}

func TestAFileThatIsLockedForLongGrantsNothing(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	l.lockWait = 50 * time.Millisecond
	require.NoError(t, l.Open(t.Context()))
	unlock := lockFile(t, p)

	_, err := l.Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, Locked)
	unlock()
	claim(t, l, intent("hello"))
}

func TestACallerLeavesWhileTheFileIsLocked(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	require.NoError(t, l.Open(t.Context()))
	unlock := lockFile(t, p)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := l.Claim(ctx, intent("hello"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()
	require.EqualValues(t, 1, claim(t, l, intent("hello")).ID.number)
}

func TestADamagedFileGrantsNothing(t *testing.T) {
	p := newPlace(t, "sqlite")
	require.NoError(t, os.MkdirAll(filepath.Dir(p.path), 0o700))
	require.NoError(t, os.WriteFile(p.path, []byte(pad(8192)), 0o600))
	l := p.open(t)
	_, err := l.Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, Corrupt)
	require.NoError(t, os.Remove(p.path))
	claim(t, l, intent("hello")) // the next call tries to open it again
}

func TestAFileThatIsReplacedGrantsNothing(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	require.NoError(t, os.Remove(p.path))
	_, err := l.Claim(t.Context(), intent("other"))
	requireUnavailable(t, err, Gone)
	requireUnavailable(t, c.Stands(t.Context()), Gone)
}

func TestALostOwnerFileIsNoticed(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	require.NoError(t, c.Stands(t.Context()))
	require.NoError(t, os.Remove(p.path+ownerInfix+c.owner))
	require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
	require.Equal(t, Unresolved, decide(t, l, intent("hello")).Verdict)
	claim(t, l, intent("other"))
}

func TestOneFailureInAGroupIsOneCallersAlone(t *testing.T) {
	l := newPlace(t, "sqlite").open(t)
	store, err := l.open(t.Context())
	require.NoError(t, err)
	var done sync.WaitGroup
	for i := range 64 {
		done.Go(func() {
			if i%8 == 0 {
				err := store.write(t.Context(), func(ctx context.Context, tx transaction) error {
					_, err := tx.exec(ctx, "UPDATE twilio_proxy_mcp_sends SET state = $1", "nonsense")
					return errors.Join(err, errors.New("undone"))
				})
				if err == nil {
					t.Error("a failed operation was committed")
				}
				return
			}
			d, err := l.Claim(t.Context(), intent(string(rune('A'+i))))
			if err != nil || d.Verdict != Granted {
				t.Error(d.Verdict, err)
			}
		})
	}
	done.Wait()
	entries, err := l.History(t.Context(), Filter{State: Claimed})
	require.NoError(t, err)
	require.Len(t, entries, 56)
}

package ledger

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// look asks a ledger that must exist for what a person asks it.
func (p place) look(t *testing.T) (entries []Entry, err error) {
	l := p.open(t)
	l.MustExist = true
	entries, err = l.History(t.Context(), Filter{})
	if resolved := l.Resolve(t.Context(), ID{number: 1}, NotSent); err != nil {
		require.EqualError(t, resolved, err.Error())
	}
	return entries, err
}

func TestLookingMakesNoFile(t *testing.T) {
	p := newPlace(t, "sqlite")
	_, err := p.look(t)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoDirExists(t, filepath.Dir(p.path))
	claim(t, p.open(t), intent("hello"))
	entries, err := p.look(t)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestLookingMakesNoTables(t *testing.T) {
	p := newPlace(t, "postgres")
	_, err := p.look(t)
	require.ErrorIs(t, err, errNoLedger)
	db, err := sql.Open("pgx", p.dsn)
	require.NoError(t, err)
	defer db.Close()
	var tables int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(false))").Scan(&tables))
	require.Zero(t, tables)
	claim(t, p.open(t), intent("hello"))
	entries, err := p.look(t)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// What is no ledger stays as it is: its bytes, its permissions, and what lies beside it.
func TestLookingLeavesWhatIsNoLedgerAlone(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a text":     func(path string) error { return os.WriteFile(path, []byte("some notes\n"), 0o644) },
		"a database": otherDatabase,
		"a folder":   func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			p := place{engine: "sqlite", path: filepath.Join(t.TempDir(), "ledger.db")}
			require.NoError(t, make(p.path))
			before, info := contents(t, p.path), stat(t, p.path)
			_, err := p.look(t)
			require.Error(t, err)
			require.NotErrorIs(t, err, fs.ErrNotExist)
			require.Regexp(t, "is not a ledger|is not a database", err.Error())
			require.Equal(t, info.Mode(), stat(t, p.path).Mode())
			require.Equal(t, before, contents(t, p.path))
			beside, err := os.ReadDir(filepath.Dir(p.path))
			require.NoError(t, err)
			require.Len(t, beside, 1)
		})
	}
}

// A folder is somebody's: no ledger takes other users' permissions on it away.
func TestAFolderIsNoLedger(t *testing.T) {
	p := place{engine: "sqlite", path: filepath.Join(t.TempDir(), "folder")}
	require.NoError(t, os.Mkdir(p.path, 0o755))
	info := stat(t, p.path)
	_, err := p.open(t).Claim(t.Context(), intent("hello"))
	require.ErrorIs(t, err, errNoFile)
	require.Equal(t, info.Mode(), stat(t, p.path).Mode())
}

func otherDatabase(path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(context.Background(), "CREATE TABLE twilio_proxy_mcp_sends (id INTEGER PRIMARY KEY)")
	return err
}

func stat(t *testing.T, path string) os.FileInfo {
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info
}

// contents are a file's bytes, or nothing for a folder.
func contents(t *testing.T, path string) string {
	if stat(t, path).IsDir() {
		return ""
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

package ledger

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALinkToTheFileIsTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets no ordinary user make a symbolic link")
	}
	p := newPlace(t, "sqlite")
	owner := p.open(t)
	c := claim(t, owner, intent("hello"))
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(p.path, link))
	other := place{engine: "sqlite", path: link}.open(t)
	require.ErrorIs(t, other.Resolve(t.Context(), c.ID, NotSent), ErrOwnerAlive)
	require.NoError(t, c.Stands(t.Context()))

	require.NoError(t, os.Remove(link)) // a file that appears there now would be another ledger
	_, err := other.Claim(t.Context(), intent("other"))
	requireUnavailable(t, err, Gone)
}

// What the link leads to may be a ledger that is lost, or on a disk that is not there. A new one would send again.
func TestALinkThatLeadsNowhereIsNoLedger(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets no ordinary user make a symbolic link")
	}
	link := place{engine: "sqlite", path: filepath.Join(t.TempDir(), "link.db")}
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "gone.db"), link.path))
	_, err := link.open(t).Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, Gone)
	left, err := filepath.Glob(link.path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{link.path}, left)
	_, err = os.Readlink(link.path)
	require.NoError(t, err)
}

func TestAnOwnerWhoseFileIsLostGetsANewOne(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	require.NoError(t, os.Remove(p.path+ownerInfix+c.owner))
	next := claim(t, l, intent("other"))
	require.NoError(t, next.Stands(t.Context()))
	require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
	require.ErrorIs(t, p.open(t).Resolve(t.Context(), next.ID, NotSent), ErrOwnerAlive)
}

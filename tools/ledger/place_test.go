package ledger

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
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

	require.NoError(t, os.Remove(link)) // another file there would be another ledger
	_, err := other.Claim(t.Context(), intent("other"))
	requireUnavailable(t, err, Gone)
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

func TestAClaimOnAServerThatIsGoneIsNotCalledLost(t *testing.T) {
	proxy := ledgertest.NewWire(t, newPlace(t, "postgres").dsn)
	l := &Ledger{DSN: proxy.DSN}
	t.Cleanup(func() { l.Close() })
	c := claim(t, l, intent("hello"))
	proxy.Cut()
	err := c.Stands(t.Context())
	requireUnavailable(t, err, Gone)
	require.NotErrorIs(t, err, ErrClaimLost)
	proxy.Mend()
}

func TestLookingMakesNoFile(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	entries, err := l.History(t.Context(), Filter{})
	require.NoError(t, err)
	require.Empty(t, entries)
	require.ErrorIs(t, l.Resolve(t.Context(), 1, NotSent), ErrNotFound)
	require.NoDirExists(t, filepath.Dir(p.path))
	claim(t, l, intent("hello"))
	entries, err = l.History(t.Context(), Filter{})
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

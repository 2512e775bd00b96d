package ledger

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// An empty file must not be taken for a new ledger: what it had recorded would be sent again.
func TestAnEmptiedFileGrantsNothing(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	require.NoError(t, os.Truncate(p.path, 0))
	for _, in := range []Intent{intent("hello"), intent("other")} {
		_, err := l.Claim(t.Context(), in)
		requireUnavailable(t, err, Corrupt)
	}
	require.NoError(t, l.Close())
	for _, name := range []string{p.path + "-wal", p.path + "-shm"} {
		require.NoError(t, os.RemoveAll(name))
	}
	require.NoError(t, os.Truncate(p.path, 0))
	_, err := p.open(t).Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, Corrupt)
	require.ErrorContains(t, err, "is empty")
}

// Many ledgers open a file that does not exist yet. None may take the others' new file for an emptied one, or replace it.
func TestANewFileIsOneForAllAndNeverEmpty(t *testing.T) {
	p := newPlace(t, "sqlite")
	var granted atomic.Int64
	var opening sync.WaitGroup
	for range 60 {
		l := p.open(t)
		opening.Go(func() {
			d, err := l.Claim(context.Background(), keyed("hello", "k"))
			if err == nil && d.Verdict == Granted {
				granted.Add(1)
				err = d.Claim.Settle(context.Background(), Settlement{State: Sent})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	require.EqualValues(t, 1, granted.Load())
	left, err := filepath.Glob(p.path + "-new-*")
	require.NoError(t, err)
	require.Empty(t, left)
}

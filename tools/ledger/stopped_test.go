//go:build !windows

package ledger

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAStoppedOwnerLivesAndBlocks(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		owner := start(t, p, "hold")
		require.Equal(t, "verdict 1", owner.says(t))
		require.NoError(t, owner.cmd.Process.Signal(syscall.SIGSTOP))
		l := p.open(t)
		_, err := untilAwaited(t, l, (*Ledger).Claim, intent("hello"))
		require.ErrorIs(t, err, ErrInProgress)
		entries, err := l.History(t.Context(), Filter{State: Claimed})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.ErrorIs(t, l.Resolve(t.Context(), entries[0].ID, NotSent), ErrOwnerAlive)

		require.NoError(t, owner.cmd.Process.Signal(syscall.SIGCONT))
		require.NoError(t, owner.in.Close())
		require.False(t, owner.out.Scan(), owner.out.Text())
		d := decide(t, l, intent("hello"))
		require.Equal(t, Replay, d.Verdict)
		require.Equal(t, sid("KI", "a"), d.Entry.Sid)
	})
}

// Opening a pipe waits for its other end, which here nobody opens.
func TestAMarkThatIsAPipeKeepsNobodyWaiting(t *testing.T) {
	p, _ := used(t)
	running := p.open(t)
	c := claim(t, running, intent("four"))
	require.NoError(t, os.Remove(p.path+markSuffix))
	require.NoError(t, syscall.Mkfifo(p.path+markSuffix, 0o600))
	requireUnavailable(t, c.Stands(t.Context()), Corrupt)
	requireUnavailable(t, p.open(t).Open(t.Context()), Corrupt)
	require.NoError(t, running.Close())
	require.NoError(t, os.Remove(p.path))
	requireUnavailable(t, p.open(t).Open(t.Context()), Corrupt)
}

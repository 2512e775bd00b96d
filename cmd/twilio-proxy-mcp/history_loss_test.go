package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

// unreadable is a ledger on which one message was recorded, and which cannot be read any more.
func unreadable(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "ledger.db")
	first := &ledger.Ledger{Path: path}
	granted, err := first.Claim(t.Context(), ledger.Intent{Scope: ledger.Scope{Account: "AC", Host: "host"}, Service: "KS", Session: "KC", Participant: "KP", Content: []byte("hello")})
	require.NoError(t, err)
	require.NoError(t, granted.Claim.Stands(t.Context()))
	require.NoError(t, granted.Claim.Settle(t.Context(), ledger.Settlement{State: ledger.Sent}))
	require.NoError(t, first.Close())
	require.NoError(t, os.WriteFile(path, []byte("no database"), 0o600))
	return path
}

// A ledger of an older version has no mark. Emptied, it is like any empty file; a person is told so, and not that there is none.
func TestALossThatNothingShows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, stderr, status := said(t, []string{"--ledger", path}, "accept-loss")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "move it away yourself")
	require.NotContains(t, stderr, "there is no ledger")
	require.FileExists(t, path)
}

// Whoever accepts a loss may be killed once the files are aside. A ledger that begins then would not say that there was one.
func TestALossIsThereUntilItIsRecorded(t *testing.T) {
	path := unreadable(t)
	aside, err := moveAside(path)
	require.NoError(t, err)
	require.FileExists(t, aside)
	require.NoFileExists(t, path)
	next := &ledger.Ledger{Path: path}
	_, is := damaged(next.Open(t.Context()))
	require.True(t, is)
	require.NoError(t, accept(t.Context(), &ledger.Ledger{Path: path}, "a person's word"))
	require.NoError(t, next.Open(t.Context()))
	losses, err := next.Losses(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a person's word\n", losses)
	require.NoError(t, next.Close())
}

func TestOnlyWhatWasMovedAsideIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	_, err := moveAside(path)
	require.ErrorContains(t, err, "its mark is gone or empty")
	require.NoError(t, os.WriteFile(markOf(path), []byte("mark"), 0o600))
	aside, err := moveAside(path)
	require.NoError(t, err)
	require.Empty(t, aside)
	require.NoError(t, os.WriteFile(path+"-wal", nil, 0o600))
	aside, err = moveAside(path)
	require.NoError(t, err)
	require.FileExists(t, aside)
	require.NoFileExists(t, path+"-wal")
}

// With an empty mark, a kill once the files are aside would leave nothing that tells.
func TestNothingIsMovedAsideFromAnEmptyMark(t *testing.T) {
	path := unreadable(t)
	require.NoError(t, os.Truncate(markOf(path), 0))
	_, stderr, status := said(t, []string{"--ledger", path}, "accept-loss")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "move it away yourself")
	require.FileExists(t, path)
}

func TestALossIsAcceptedThroughASymbolicLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets no ordinary user make a symbolic link")
	}
	path := unreadable(t)
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(path, link))
	_, stderr, status := said(t, []string{"--ledger", link}, "accept-loss")
	require.Zero(t, status, stderr)
	_, stderr, status = said(t, []string{"--ledger", link})
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "A loss was accepted at 2")
}

func TestAMarkThatIsNoFileMustBeMovedAway(t *testing.T) {
	path := unreadable(t)
	require.NoError(t, os.Remove(markOf(path)))
	require.NoError(t, os.Mkdir(markOf(path), 0o700))
	for range 2 {
		_, stderr, status := said(t, []string{"--ledger", path}, "accept-loss")
		require.Equal(t, 1, status)
		require.Contains(t, stderr, "nothing was changed: "+markOf(path)+" is no regular file: move it away")
		require.NoError(t, os.RemoveAll(path)) // the second time the file is missing, too
	}
}

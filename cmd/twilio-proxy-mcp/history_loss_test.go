package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

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
	path := filepath.Join(t.TempDir(), "ledger.db")
	first := &ledger.Ledger{Path: path}
	granted, err := first.Claim(t.Context(), ledger.Intent{Scope: ledger.Scope{Account: "AC", Host: "host"}, Service: "KS", Session: "KC", Participant: "KP", Content: []byte("hello")})
	require.NoError(t, err)
	require.NoError(t, granted.Claim.Stands(t.Context()))
	require.NoError(t, granted.Claim.Settle(t.Context(), ledger.Settlement{State: ledger.Sent}))
	require.NoError(t, first.Close())
	require.NoError(t, os.WriteFile(path, []byte("no database"), 0o600))

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
	require.ErrorContains(t, err, "has no mark")
	require.NoError(t, os.WriteFile(path+"-mark", nil, 0o600))
	aside, err := moveAside(path)
	require.NoError(t, err)
	require.Empty(t, aside)
	require.NoError(t, os.WriteFile(path+"-wal", nil, 0o600))
	aside, err = moveAside(path)
	require.NoError(t, err)
	require.FileExists(t, aside)
	require.NoFileExists(t, path+"-wal")
}

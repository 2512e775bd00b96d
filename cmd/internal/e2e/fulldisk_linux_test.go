package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// fillDisk gives the ledger a file system of its own without a free byte.
func fillDisk(t *testing.T, _ place) place {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k"); err != nil {
		why := "a full disk needs the right to mount one: " + err.Error()
		if os.Getuid() == 0 { // who should have it
			ledgertest.Skip(t, why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	p := place(filepath.Join(dir, "ledger.db"))
	p.prepare(t)
	rest, err := os.Create(filepath.Join(dir, "rest"))
	require.NoError(t, err)
	defer rest.Close()
	for err == nil {
		_, err = rest.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return p
}

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// fillDisk copies the ledger to its own file system, which has no free byte. The
// ledger is not made there, because SQLite needs temporary files for that. Other
// tests' processes can keep those open for a while, and space would be freed later.
func fillDisk(t *testing.T, made place) place {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k"); err != nil {
		why := "a full disk needs the right to mount one: " + err.Error()
		if os.Getuid() == 0 { // root should have that right
			ledgertest.Skip(t, why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	p := place(filepath.Join(dir, "ledger.db"))
	for _, suffix := range []string{"", "-mark"} {
		require.NoError(t, os.WriteFile(p.file(suffix), made.content(t, suffix), 0o600))
	}
	rest, err := os.Create(filepath.Join(dir, "rest"))
	require.NoError(t, err)
	defer rest.Close()
	for err == nil {
		_, err = rest.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return p
}

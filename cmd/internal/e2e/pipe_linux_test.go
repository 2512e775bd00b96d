package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// resizePipe sets how many bytes a pipe holds.
func resizePipe(t *testing.T, pipe *os.File, size int) {
	t.Helper()
	raw, err := pipe.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		var got int
		got, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
		require.Equal(t, size, got)
	}))
	require.NoError(t, err)
}

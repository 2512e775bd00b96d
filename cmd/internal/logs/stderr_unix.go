//go:build unix

package logs

import (
	"os"

	"golang.org/x/sys/unix"
)

// ToStderr makes a Writer to the standard error. If nobody can read that any more, writes fail. With the descriptors 1
// and 2 themselves, the Go runtime would end the process by SIGPIPE instead (see os/signal), and with it a send in
// flight. So a copy of the descriptor is used.
func ToStderr() *Writer {
	fd, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil { // there are no descriptors left
		return New(os.Stderr)
	}
	return New(os.NewFile(uintptr(fd), "stderr"))
}

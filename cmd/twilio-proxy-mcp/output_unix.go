//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// wasClosed says whether a standard file was closed when the process began. The Go runtime then has the null device opened
// there, for reading and writing. Some programs that want no output hand over the same; that cannot be told apart.
func wasClosed(file *os.File) bool {
	is, err := file.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(is, null) {
		return false
	}
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}

//go:build !windows

package fake

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks the file for its descriptor alone until it is closed, or says that another has it locked.
func tryLock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

package fake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrInUse is the reason of OpenState where another process has the file open.
var ErrInUse = errors.New("the state file is in use by another process")

// beside is the path of a hidden file that goes with the state file.
func beside(path, ending string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+ending)
}

// lockBeside locks a file that stays where it is; the state file itself is
// replaced all the time. The lock ends with the process, whatever ends that.
func lockBeside(path string) (*os.File, error) {
	lock, err := os.OpenFile(beside(path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	mine, err := tryLock(lock)
	if err == nil && !mine {
		err = fmt.Errorf("%s: %w", path, ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

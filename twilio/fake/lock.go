package fake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrInUse is wrapped by OpenState's error when another process has the state file open.
var ErrInUse = errors.New("the state file is in use by another process; stop that process or use another file")

// beside returns the path of a hidden file in the folder of the state file.
func beside(path, ending string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+ending)
}

// lockBeside locks a separate file, because the state file itself is replaced on every write. The operating system
// releases the lock when the process ends, even after a crash.
func lockBeside(path string) (*flock.Flock, error) {
	lock := flock.New(beside(path, ".lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = fmt.Errorf("%s: %w", path, ErrInUse)
	}
	if err != nil {
		return nil, err
	}
	return lock, nil
}

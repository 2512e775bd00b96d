package ledger

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ownerFile shows a process alive to the others that share a SQLite file: an empty file beside it, PATH-owner-TOKEN, that
// the process keeps locked. The operating system ends the lock with the process, however it ends.
type ownerFile struct {
	base string // path of the database; "" is memory, where the one owner always lives

	mu    sync.Mutex
	token string
	file  *os.File
}

const ownerInfix = "-owner-"

// hold returns this process's token and locks its file the first time, or anew when the file was lost: what was claimed
// under the old token is a dead owner's then.
func (o *ownerFile) hold() (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil && !isAt(o.file, o.file.Name()) {
		o.file.Close()
		o.token, o.file = "", nil
	}
	for o.token == "" {
		token := rand.Text()
		if o.base == "" {
			o.token = token
			break
		}
		file, err := os.OpenFile(o.base+ownerInfix+token, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", err
		}
		locked, err := tryLock(file)
		if err != nil {
			return "", errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
		// Another process that cleans up may have come between making and locking.
		if locked && isAt(file, file.Name()) {
			o.token, o.file = token, file
			break
		}
		file.Close()
	}
	return o.token, nil
}

// held says whether others see this process alive under the token.
func (o *ownerFile) held(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return token != "" && token == o.token && (o.base == "" || isAt(o.file, o.file.Name()))
}

// alive says whether the owner of the token lives, and removes the file of a dead one.
func (o *ownerFile) alive(token string) (bool, error) {
	if o.held(token) {
		return true, nil
	}
	if o.base == "" {
		return false, nil
	}
	return ownerLives(o.base + ownerInfix + token)
}

func (o *ownerFile) release() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.token = ""
	if o.file == nil {
		return nil
	}
	os.Remove(o.file.Name()) // while locked; on Windows an open file stays, and whoever comes next removes it
	err := o.file.Close()
	o.file = nil
	return err
}

func ownerLives(name string) (bool, error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	locked, err := tryLock(file)
	if err != nil || !locked {
		return !locked, err
	}
	os.Remove(name) // while it is locked: its owner, if it is only about to begin, notices
	return false, nil
}

// removeDeadOwners tidies up what killed processes left behind.
func removeDeadOwners(base string) {
	entries, err := os.ReadDir(filepath.Dir(base))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(base)+ownerInfix) {
			ownerLives(filepath.Join(filepath.Dir(base), entry.Name()))
		}
	}
}

func isAt(file *os.File, name string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(opened, there)
}

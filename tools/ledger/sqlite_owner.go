package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// ownerFile proves this process alive to the others that share a SQLite file. It is an empty file beside it,
// PATH-owner-TOKEN, that the process keeps locked. The operating system ends the lock with the process, however it ends.
type ownerFile struct {
	database string // its path; "" is memory, which no other process shares

	mu    sync.Mutex
	token string
	lock  *flock.Flock // nil before the first token, and in memory
}

const ownerInfix = "-owner-"

// owner returns the token of this process. When the file was lost, it makes a new one with a new token; the owner with the
// old token then is dead.
func (o *ownerFile) owner(context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.holds(o.token) {
		if o.lock != nil {
			o.lock.Close()
		}
		o.token, o.lock = rand.Text(), nil
		if o.database == "" {
			break
		}
		o.lock = flock.New(o.database+ownerInfix+o.token, flock.SetFlag(os.O_RDWR|os.O_CREATE|os.O_EXCL))
		if _, err := o.lock.TryLock(); err != nil {
			os.Remove(o.lock.Path())
			return "", err
		}
	}
	return o.token, nil
}

func (o *ownerFile) dropOwner(string) {} // owner notices by itself that the file is lost

// holds says whether the token is this process's and others see its owner alive. Between making and locking, another process
// may have taken the file for a dead owner's and removed it.
func (o *ownerFile) holds(token string) bool {
	if token == "" || token != o.token || o.database == "" {
		return token != "" && token == o.token
	}
	locked, lost := o.lock.Stat()
	there, gone := os.Stat(o.lock.Path())
	return lost == nil && gone == nil && o.lock.Locked() && os.SameFile(locked, there)
}

func (o *ownerFile) isOurs(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.holds(token)
}

func (o *ownerFile) alive(token string) (bool, error) {
	if ours := o.isOurs(token); ours || o.database == "" {
		return ours, nil
	}
	return ownerLives(o.database + ownerInfix + token)
}

func (o *ownerFile) release() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lock == nil {
		return nil
	}
	os.Remove(o.lock.Path()) // on Windows an open file stays; the next process removes it
	return o.lock.Close()
}

// ownerLives says whether a process has the file locked, and removes the file of a dead owner.
func ownerLives(path string) (bool, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	locked, err := lock.TryLock()
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil || !locked {
		return err == nil, err
	}
	defer lock.Close()
	os.Remove(path) // while it is locked: an owner that has just made it notices
	return false, nil
}

// livingOwners says whether a process lives that has claimed a send. It removes the files that killed processes left. A file of
// another kind may have a name that begins alike.
func livingOwners(database string) (living bool) {
	entries, _ := os.ReadDir(filepath.Dir(database))
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(database), entry.Name())
		token, is := strings.CutPrefix(path, database+ownerInfix)
		if is && len(token) == len(rand.Text()) && sizeOf(path) == 0 {
			alive, err := ownerLives(path)
			living = living || alive || err != nil
		} else if strings.HasPrefix(path, database+"-new-") {
			removeNew(database, path)
		}
	}
	return living
}

// removeNew removes what an older version left in PATH-new-NUMBER when it was killed while it made the database: one without
// tables, what SQLite had beside it, or a second name of this one.
func removeNew(database, path string) {
	made := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(path, "-wal"), "-shm"), "-journal")
	number := strings.TrimPrefix(made, database+"-new-")
	ours, _ := os.Stat(database)
	file, _ := os.Stat(made)
	if strings.Trim(number, "0123456789") == "" && sizeOf(made+"-wal") <= 32 && (sizeOf(made) <= 4096 || os.SameFile(file, ours)) {
		os.Remove(path)
	}
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

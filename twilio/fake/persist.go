package fake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A document is the content of the state file or of a seed. A seed may leave out
// SIDs, dates and the clock. Missing SIDs are made up, missing dates become the
// moment of loading, and the clock stays as it is.
type document struct {
	Clock    *clockSetting `json:"clock,omitempty"`
	Minted   uint64        `json:"minted,omitempty"`
	Accepted int           `json:"accepted,omitempty"`
	Services []*service    `json:"services"`
}

// A stateFile is written a moment after a change, by one timer.
type stateFile struct {
	path    string
	lock    *flock.Flock // held while this fake uses the file
	dirty   bool         // something changed since the last write that succeeded
	timer   *time.Timer  // for the next write; nil = none is due
	failing bool         // the last write failed, and that was logged
	writing sync.Mutex   // allows one write at a time; locked before the fake's mu
}

const (
	saveAfter  = 500 * time.Millisecond // a killed process loses no more than this, plus the time of one write
	retryAfter = 5 * time.Second        // the wait after a failed write
)

// OpenState keeps the fake's state in the file at path. If the file exists, its
// content replaces the present state. If not, the file is created with the present
// state.
//
// The file is replaced as a whole half a second after a change, and on Close. It
// contains message bodies, so only its owner can read it. Until Close, a lock on a
// hidden file in the same folder (.state.json.lock for state.json) keeps other
// processes away.
func (f *Fake) OpenState(path string) error {
	lock, err := lockBeside(path)
	if err != nil {
		return err
	}
	if err := f.loadFile(path); err != nil {
		return errors.Join(err, lock.Close())
	}
	f.mu.Lock()
	f.file.path, f.file.lock, f.file.dirty = path, lock, true
	f.mu.Unlock()
	return f.file.save(f)
}

// loadFile loads the file if it exists.
func (f *Fake) loadFile(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Seed replaces all resources by those of a JSON document. A later Reset goes back
// to them. The document has the form of the state file. If there is an error,
// nothing has changed.
func (f *Fake) Seed(data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(data); err != nil {
		return err
	}
	f.seed = append([]byte(nil), data...)
	f.changed()
	f.feed.publish(Event{Type: "reset"})
	return nil
}

// markDirty arranges for the next write. The caller holds the fake's lock.
func (s *stateFile) markDirty(f *Fake) {
	if s.path != "" {
		s.dirty = true
		s.scheduleWrite(f, saveAfter)
	}
}

// scheduleWrite starts the timer for the next write, unless it runs already or the
// fake is closed.
func (s *stateFile) scheduleWrite(f *Fake, wait time.Duration) {
	select {
	case <-f.closed:
	default:
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, func() { s.writeDue(f) })
		}
	}
}

// writeDue is called by the timer. It tries a failed write again later. Of several
// failures in a row, it logs only the first.
func (s *stateFile) writeDue(f *Fake) {
	f.mu.Lock()
	s.timer = nil
	f.mu.Unlock()
	err := s.save(f)
	f.mu.Lock()
	firstFailure := err != nil && !s.failing
	if s.failing = err != nil; s.failing {
		s.scheduleWrite(f, retryAfter)
	}
	f.mu.Unlock()
	if firstFailure {
		f.config.Log.Error("the state file cannot be written; the fake keeps trying", "error", err)
	}
}

// save replaces the file if something has changed.
func (s *stateFile) save(f *Fake) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	f.mu.Lock()
	path, dirty := s.path, s.dirty
	s.dirty = false
	var doc document
	if path != "" && dirty {
		doc = f.snapshot()
	}
	f.mu.Unlock()
	if path == "" || !dirty {
		return nil
	}
	data, err := json.Marshal(doc)
	if err == nil {
		err = replaceFile(path, data)
	}
	if err != nil {
		f.mu.Lock()
		s.dirty = true
		f.mu.Unlock()
	}
	return err
}

func (s *stateFile) close(f *Fake) error {
	f.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	f.mu.Unlock()
	if err := s.save(f); err != nil {
		return err // keep the lock, so that Close can be called again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	lock := s.lock
	s.lock, s.path = nil, ""
	if lock == nil {
		return nil
	}
	return lock.Close()
}

// replaceFile writes a new file and renames it to the old one's name. A new file
// that a killed process left behind is removed first. This is safe because of the
// lock: there is only one writer.
func replaceFile(path string, data []byte) error {
	temporary := beside(path, ".new")
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// snapshot copies everything that may still change. Messages never change, so it
// copies only the slices that point to them. The caller holds the lock.
func (f *Fake) snapshot() document {
	doc := document{Clock: f.clock.setting(), Minted: f.world.minted, Accepted: f.accepted}
	for _, s := range f.world.services {
		copied := *s
		copied.Numbers = copyAll(s.Numbers)
		copied.Sessions = copyAll(s.Sessions)
		for _, c := range copied.Sessions {
			c.Participants = copyAll(c.Participants)
			c.Messages = append([]*message(nil), c.Messages...)
		}
		doc.Services = append(doc.Services, &copied)
	}
	return doc
}

func copyAll[T any](items []*T) []*T {
	copies := make([]*T, len(items))
	for i, item := range items {
		copied := *item
		copies[i] = &copied
	}
	return copies
}

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

// A document is what the state file and a seed hold. In a seed everything but
// the names a person cares about may be left out: SIDs are minted, dates are
// the moment of loading, the clock stays as it is.
type document struct {
	Clock    *clockSetting `json:"clock,omitempty"`
	Minted   uint64        `json:"minted,omitempty"`
	Accepted int           `json:"accepted,omitempty"`
	Services []*service    `json:"services"`
}

// A stateFile is written a moment after something changed, by one timer.
type stateFile struct {
	path    string
	lock    *flock.Flock // held while this fake uses the file
	dirty   bool         // something changed since the last write that succeeded
	timer   *time.Timer  // of the next write; nil = none is due
	failing bool         // the last write failed, which was reported then
	writing sync.Mutex   // one write at a time; taken before the fake's lock
}

// saveAfter is how much of the recent past a killed process loses at most,
// apart from the time that writing takes; retryAfter goes by after a write
// that failed. Both chosen.
const (
	saveAfter  = 500 * time.Millisecond
	retryAfter = 5 * time.Second
)

// OpenState makes path the file that survives a restart. What it holds replaces
// everything; where there is no such file the present state is kept and the
// file is made. The file is replaced as a whole, half a second after a change
// and on Close, and holds message bodies: it is readable by its owner only.
// Until Close, a lock on a file beside it, as .state.json.lock is beside
// state.json, keeps others away.
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

// loadFile loads what the file holds, if there is one.
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

// Seed replaces all resources by those of a JSON document, and Reset will go
// back to them. The document has the form of the state file. On an error
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

// touch notes a change, with the fake's lock held.
func (s *stateFile) touch(f *Fake) {
	if s.path != "" {
		s.dirty = true
		s.arm(f, saveAfter)
	}
}

// arm sets the timer of the next write, unless it is set or the fake closed.
func (s *stateFile) arm(f *Fake, wait time.Duration) {
	select {
	case <-f.closed:
	default:
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, func() { s.due(f) })
		}
	}
}

// due writes what the timer was set for. A write that fails is tried again; the
// first of several failures in a row is reported.
func (s *stateFile) due(f *Fake) {
	f.mu.Lock()
	s.timer = nil
	f.mu.Unlock()
	err := s.save(f)
	f.mu.Lock()
	news := err != nil && !s.failing
	if s.failing = err != nil; s.failing {
		s.arm(f, retryAfter)
	}
	f.mu.Unlock()
	if news {
		f.config.Log.Error("the state file cannot be written; it is tried again", "error", err)
	}
}

// save writes what has changed to a new file that then takes the old one's
// place.
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
		return err // the lock stays, for another try
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

// replaceFile writes a new file and gives it the name of the old one. What a
// killed process left of a new file goes first: there is one writer at a time.
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

// snapshot copies, with the lock held, what may still change. Messages never
// do, so only the slices that point at them are copied.
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

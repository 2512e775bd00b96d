package serve

import "sync"

// inFlight counts what runs at once and refuses more than a bound.
type inFlight struct {
	mu     sync.Mutex
	max    int
	count  int
	closed bool
	empty  chan struct{} // closed when nothing is left and nothing more may enter
}

func newInFlight(max int) *inFlight { return &inFlight{max: max, empty: make(chan struct{})} }

// enter counts one in; false when there is no room or the end has come.
func (f *inFlight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.count >= f.max {
		return false
	}
	f.count++
	return true
}

func (f *inFlight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	if f.closed && f.count == 0 {
		close(f.empty)
	}
}

// close lets nothing more enter and returns a channel that is closed when all that did has left.
func (f *inFlight) close() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		if f.count == 0 {
			close(f.empty)
		}
	}
	return f.empty
}

func (f *inFlight) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

package serve

import "sync"

// backlog counts the requests that were read and not yet answered.
type backlog struct {
	mu     sync.Mutex
	room   sync.Cond
	count  int
	bytes  int
	closed bool
	empty  chan struct{} // closed when nothing is left and nothing more may enter
}

func newBacklog() *backlog {
	b := &backlog{empty: make(chan struct{})}
	b.room.L = &b.mu
	return b
}

// enter counts a request in, once there is room for it; false when the backlog is closed.
func (b *backlog) enter(bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.closed && b.count > 0 && (b.count >= maxUnanswered || b.bytes+bytes > maxUnansweredBytes) {
		b.room.Wait()
	}
	if b.closed {
		return false
	}
	b.count++
	b.bytes += bytes
	return true
}

func (b *backlog) leave(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count--
	b.bytes -= bytes
	b.room.Signal()
	if b.closed && b.count == 0 {
		close(b.empty)
	}
}

// close lets nothing more enter and returns a channel that is closed when all that did has left.
func (b *backlog) close() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.room.Broadcast()
		if b.count == 0 {
			close(b.empty)
		}
	}
	return b.empty
}

func (b *backlog) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

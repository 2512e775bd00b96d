package serve

import "sync"

// gate counts what is inside, in number and in bytes, and lets no more in than fits. What is too large for the bytes may
// enter alone.
type gate struct {
	maxCount, maxBytes int

	mu           sync.Mutex
	left         sync.Cond
	count, bytes int
	closed       bool
	empty        chan struct{} // closed when nothing is inside and nothing more may enter
}

func newGate(maxCount, maxBytes int) *gate {
	g := &gate{maxCount: maxCount, maxBytes: maxBytes, empty: make(chan struct{})}
	g.left.L = &g.mu
	return g
}

// enter is false when there is no room, or the gate is closed.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.count >= g.maxCount {
		return false
	}
	g.count++
	return true
}

// wait enters once there is room; false when the gate is closed.
func (g *gate) wait(bytes int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.closed && g.count > 0 && (g.count >= g.maxCount || g.bytes+bytes > g.maxBytes) {
		g.left.Wait()
	}
	if g.closed {
		return false
	}
	g.count++
	g.bytes += bytes
	return true
}

// leave takes one out, with the bytes it entered with.
func (g *gate) leave(bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.bytes -= bytes
	g.left.Signal()
	if g.closed && g.count == 0 {
		close(g.empty)
	}
}

// close lets nothing more enter. The channel is closed when all that is inside has left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		g.left.Broadcast()
		if g.count == 0 {
			close(g.empty)
		}
	}
	return g.empty
}

func (g *gate) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

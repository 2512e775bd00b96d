package serve

import (
	"fmt"
	"io"
	"sync"
)

// maxUnwritten is how many bytes may wait for a client that reads slowly before its calls wait as well.
const maxUnwritten = 1 << 20

// lineWriter writes messages, one a line, for many goroutines. Whoever finds nobody writing writes at once;
// messages that arrive meanwhile go out together with the next write. So a lone call waits for no other goroutine, and a
// burst takes few system calls.
type lineWriter struct {
	out    io.Writer
	broken chan struct{} // closed after the first failed write

	mu      sync.Mutex
	room    sync.Cond
	waiting []byte
	spare   []byte
	writing bool
	err     error
}

func newLineWriter(out io.Writer) *lineWriter {
	w := &lineWriter{out: out, broken: make(chan struct{})}
	w.room.L = &w.mu
	return w
}

// write queues one message and sees to it that it is written. The error may be that of an earlier write.
func (w *lineWriter) write(message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > maxUnwritten && w.err == nil {
		w.room.Wait()
	}
	if w.err != nil {
		return w.err
	}
	w.waiting = append(append(w.waiting, message...), '\n')
	if w.writing {
		return nil
	}
	w.writing = true
	for len(w.waiting) > 0 && w.err == nil {
		w.flush()
	}
	w.writing = false
	return w.err
}

// flush writes what waits; mu is held before and after, not during the write.
func (w *lineWriter) flush() {
	batch := w.waiting
	w.waiting = w.spare[:0]
	w.mu.Unlock()
	_, err := w.out.Write(batch)
	w.mu.Lock()
	w.spare = nil
	if cap(batch) <= 1<<18 { // a burst's memory is given back
		w.spare = batch
	}
	if err != nil {
		w.err = err
		close(w.broken)
	}
	w.room.Broadcast()
}

// failure is the error of the first failed write.
func (w *lineWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		return nil
	}
	return fmt.Errorf("write: %w", w.err)
}

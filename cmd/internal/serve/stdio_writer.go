package serve

import (
	"fmt"
	"io"
	"sync"
)

// lineWriter writes messages, one a line, for many goroutines. Those wait while the client does not read.
type lineWriter struct {
	out    io.Writer
	broken chan struct{} // closed after the first failed write

	mu  sync.Mutex
	err error // of the first failed write
}

func newLineWriter(out io.Writer) *lineWriter {
	return &lineWriter{out: out, broken: make(chan struct{})}
}

func (w *lineWriter) write(message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if _, err := w.out.Write(append(message, '\n')); err != nil {
		w.err = fmt.Errorf("write: %w", err)
		close(w.broken)
	}
	return w.err
}

// failure is the error of the first failed write.
func (w *lineWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

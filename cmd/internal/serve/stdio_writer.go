package serve

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// lineWriter writes messages, one a line, for many goroutines. Those wait while the client does not read.
type lineWriter struct {
	mu     sync.Mutex
	out    io.Writer
	broken context.Context // ends with the first failed write, which is its cause
	fail   context.CancelCauseFunc
}

// write writes one message, if there is one. A failure ends the connection through broken.
func (w *lineWriter) write(message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if message == nil || w.broken.Err() != nil {
		return context.Cause(w.broken)
	}
	if _, err := w.out.Write(append(message, '\n')); err != nil {
		w.fail(fmt.Errorf("write: %w", err))
	}
	return context.Cause(w.broken)
}

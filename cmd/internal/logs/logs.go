// Package logs writes what a program says on stderr, and holds up nobody who says it.
package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// MaxWaiting is how many bytes of lines wait to be written.
	MaxWaiting = 256 << 10
	// maxPiece is how many bytes are written at a time: as many as a pipe on Linux takes whole (PIPE_BUF), so that the
	// lines of several processes do not mix.
	maxPiece = 4 << 10
	// Close waits stallPatience for a reader that takes nothing, and flushPatience for one that is slow. Hosts kill a
	// server a few seconds after they closed its stdin.
	stallPatience = time.Second
	flushPatience = 10 * time.Second
)

// A Writer writes lines in their order, without holding up its callers. When a line does not fit into MaxWaiting, it is
// dropped, and so are the next ones until all that waits is written. Then one line says how many were dropped. Make one
// with New.
type Writer struct {
	out     io.Writer
	moved   chan struct{} // gets a value when a write has ended
	stopped chan struct{} // closed when nothing more will be written

	mu      sync.Mutex
	more    sync.Cond // there may be something to write
	handler func(io.Writer) slog.Handler
	waiting []byte // lines that no write has begun for
	held    int    // bytes of lines, waiting and being written
	full    bool   // a line did not fit
	failing bool   // the last write failed
	closed  bool
	dropped uint64 // lines, since the start
	told    uint64 // how many of them the log has told of
	status  status // to be shown
	shown   status // only run changes it
}

// New makes a Writer to out. Close ends its goroutine.
func New(out io.Writer) *Writer {
	w := &Writer{out: out, moved: make(chan struct{}, 1), stopped: make(chan struct{})}
	w.more.L = &w.mu
	w.Format(func(out io.Writer) slog.Handler { return slog.NewTextHandler(out, nil) })
	go w.run()
	return w
}

// Format sets the form of the line that tells of dropped lines, which is written whatever the handler's level. It is
// slog's text by default.
func (w *Writer) Format(handler func(io.Writer) slog.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handler = handler
}

// Dropped is how many lines were dropped since the start, because they did not fit or could not be written.
func (w *Writer) Dropped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Write takes or drops p, which must be whole lines. It never waits and never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full = w.full || w.held+len(p) > MaxWaiting
	if w.full || w.closed {
		w.dropped += max(lines(p), 1)
	} else {
		w.waiting = append(w.waiting, p...)
		w.held += len(p)
	}
	w.more.Signal()
	return len(p), nil
}

// Close returns when all that waits is written, when nothing could be written for a second, or after ten seconds. What is
// written to w after that is dropped.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed, w.status = true, status{}
	w.more.Signal()
	w.mu.Unlock()
	patience := time.After(flushPatience)
	for {
		select {
		case <-w.stopped:
			return
		case <-w.moved:
		case <-time.After(stallPatience):
			return
		case <-patience:
			return
		}
	}
}

// run writes what waits until the Writer is closed.
func (w *Writer) run() {
	defer close(w.stopped)
	var text []byte
	for {
		var untold uint64
		var after status
		var ok bool
		if text, untold, after, ok = w.take(text); !ok {
			return
		}
		if len(text) > 0 || untold > 0 {
			w.show(status{})
		}
		if untold > 0 {
			w.tell(untold)
		}
		for rest := text; len(rest) > 0; {
			piece := firstPiece(rest)
			_, err := w.out.Write(piece)
			w.wrote(len(piece), lines(piece), 0, err)
			rest = rest[len(piece):]
		}
		w.show(after)
	}
}

// take waits for something to write: lines, before them how many lines were dropped that the log has not told of, and after
// them the status. After a failed write, only a new line makes another attempt. The lines after these wait in spare. ok is
// false when the Writer is closed and all is written.
func (w *Writer) take(spare []byte) (text []byte, untold uint64, after status, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if len(w.waiting) == 0 {
			w.full = false
		}
		if !w.full && (len(w.waiting) > 0 || !w.failing) {
			untold = w.dropped - w.told
		}
		if len(w.waiting) > 0 || untold > 0 || w.status != w.shown {
			break
		}
		if w.closed {
			return nil, 0, status{}, false
		}
		w.more.Wait()
	}
	text, w.waiting = w.waiting, spare[:0]
	return text, untold, w.status, true
}

// tell writes the line that says how many lines were dropped.
func (w *Writer) tell(untold uint64) {
	w.mu.Lock()
	handler := w.handler
	w.mu.Unlock()
	var line bytes.Buffer
	record := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped: stderr did not take them in time", 0)
	record.AddAttrs(slog.Uint64("lines", untold))
	err := handler(&line).Handle(context.Background(), record)
	if err == nil {
		_, err = w.out.Write(line.Bytes())
	}
	w.wrote(0, 0, untold, err)
}

// wrote records the end of a write: of how many bytes and lines that were held, and of how many dropped lines it told.
func (w *Writer) wrote(bytes int, lines, told uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= bytes
	if w.failing = err != nil; w.failing {
		w.dropped += lines
	} else {
		w.told += told
	}
	w.signal()
}

// signal wakes Close and Flush.
func (w *Writer) signal() {
	select {
	case w.moved <- struct{}{}:
	default:
	}
}

// firstPiece is as many whole lines as fit into one write, or the beginning of a line that does not fit.
func firstPiece(text []byte) []byte {
	if len(text) <= maxPiece {
		return text
	}
	if end := bytes.LastIndexByte(text[:maxPiece], '\n'); end >= 0 {
		return text[:end+1]
	}
	return text[:maxPiece]
}

func lines(text []byte) uint64 { return uint64(bytes.Count(text, []byte("\n"))) }

package logs

import (
	"os"
	"strings"
	"time"
)

// A status is a text at the end of what is written, on a line that is written over.
type status struct {
	text    string
	columns int // of the terminal, that text takes
}

// echoed is how many columns a terminal writes after a status when somebody types ^C.
const echoed = 2

// Status shows text after all lines, in place of the text before; "" takes that away. It is for a terminal: text must have no
// newline, and leave three columns of the terminal's free. Lines are written in its place, and it comes back below them.
// Close takes it away. It never waits.
func (w *Writer) Status(text string, columns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.status = status{text, columns}
		w.more.Signal()
	}
}

// Flush returns when all that waits is written, or when nothing could be written for a second.
func (w *Writer) Flush() {
	for !w.idle() {
		select {
		case <-w.moved:
		case <-time.After(stallPatience):
			return
		}
	}
}

func (w *Writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held == 0 && w.status == w.shown
}

// File is what is written to, or nil if that is no file.
func (w *Writer) File() *os.File {
	file, _ := w.out.(*os.File)
	return file
}

// show writes a status over the one that is shown. It needs no escape sequences, which not every terminal knows.
func (w *Writer) show(next status) {
	if next == w.shown {
		return
	}
	text := next.text
	if w.shown.text != "" {
		text = "\r" + strings.Repeat(" ", w.shown.columns+echoed) + "\r" + text
	}
	_, _ = w.out.Write([]byte(text)) // no line is lost with it
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = next
	w.signal()
}

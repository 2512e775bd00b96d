package main

import (
	"errors"
	"io"
	"os"
)

// errClosed means that stdout was closed when the process began.
var errClosed = errors.New("stdout is closed, or nothing keeps what is written to it")

// print writes text to stdout. Unlike a Write, it also fails when stdout was closed when the process began.
func (s program) print(text string) error {
	if _, err := io.WriteString(s.out, text); err != nil {
		return err
	}
	if file, ok := s.out.(*os.File); ok && wasClosed(file) {
		return errClosed
	}
	return nil
}

// watched is a writer that remembers its first error.
type watched struct {
	io.Writer
	err error
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

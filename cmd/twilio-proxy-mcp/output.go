package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// errClosed means that stdout was closed when the process began.
var errClosed = errors.New("stdout is closed, or nothing keeps what is written to it")

// print writes text to stdout. Unlike a Write, it also fails when stdout was closed when the process began.
func (s program) print(text string) error {
	if _, err := io.WriteString(s.out, text); err != nil {
		return err
	}
	if file, ok := s.stdout().(*os.File); ok && wasClosed(file) {
		return errClosed
	}
	return nil
}

// errUnread means that a signal came while nobody read stdout.
var errUnread = errors.New("write: nobody reads stdout, and a signal came")

// readPatience is how long a reader of stdout has after a signal.
const readPatience = time.Second

// stoppable is stdout for what is printed. After a signal, a write to it waits for its reader no longer than readPatience.
type stoppable struct {
	io.Writer
	signalled context.Context
}

func (w stoppable) Write(p []byte) (int, error) {
	p = bytes.Clone(p) // the write may go on after this returns
	written := make(chan error, 1)
	go func() {
		_, err := w.Writer.Write(p)
		written <- err
	}()
	unread := make(chan time.Time)
	defer context.AfterFunc(w.signalled, func() {
		time.AfterFunc(readPatience, func() { close(unread) })
	})()
	select {
	case err := <-written:
		return len(p), err
	case <-unread:
		return 0, errUnread
	}
}

// stdout is for messages of the protocol, which have rules of their own for a reader that does not read.
func (s program) stdout() io.Writer { return s.out.(stoppable).Writer }

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

package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Each body may have freeBody bytes. What is longer has bodiesTotal bytes for all bodies together, so that a call of the
// usual length is not refused because of large calls of others.
const (
	freeBody    = 4 << 10
	bodiesTotal = 16 << 20
)

// ErrBodiesFull says that there is no memory for one more large body now.
var ErrBodiesFull = errors.New("too many large bodies at once")

// Bodies reads the bodies of requests into memory, and bounds how much of it they take.
type Bodies struct {
	max    int64 // bytes of one body
	shared Budget
}

// NewBodies bounds one body to max bytes.
func NewBodies(max int) *Bodies {
	return &Bodies{max: int64(max), shared: Budget{Max: bodiesTotal}}
}

// Body is a request's body in memory until Done is called.
type Body struct {
	Bytes []byte

	from   io.Reader
	read   int
	shared *Budget
	taken  int // of shared
}

// Read is for the buffer that a body is read into.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += n
	if more := b.read - freeBody - b.taken; more > 0 {
		if !b.shared.Take(more) {
			return 0, ErrBodiesFull
		}
		b.taken += more
	}
	return n, err
}

// Done gives the body's memory back.
func (b *Body) Done() { b.shared.Give(b.taken) }

// Read reads a request's body, however it is sent. A body that is not complete when stopping ends is not waited for. The
// error is a *http.MaxBytesError, ErrBodiesFull, os.ErrDeadlineExceeded, or the connection's.
func (s *Bodies) Read(w http.ResponseWriter, r *http.Request, stopping context.Context) (*Body, error) {
	if r.ContentLength > s.max {
		return nil, &http.MaxBytesError{Limit: s.max}
	}
	b := &Body{shared: &s.shared, from: http.MaxBytesReader(w, r.Body, s.max)}
	control := http.NewResponseController(w)
	cut := make(chan struct{})
	stop := context.AfterFunc(stopping, func() {
		defer close(cut)
		_ = control.SetReadDeadline(time.Now())
	})
	// Memory follows what has come, not what was announced.
	read := bytes.NewBuffer(make([]byte, 0, min(uint64(r.ContentLength), 8<<10)+bytes.MinRead))
	_, err := read.ReadFrom(b)
	if !stop() {
		<-cut
	}
	if err == nil {
		b.Bytes, b.from = read.Bytes(), nil
		// The deadline was for the body. Left alone, it would end the request's context in the middle of a call.
		err = control.SetReadDeadline(time.Time{})
	}
	if err != nil {
		b.Done()
		return nil, err
	}
	return b, nil
}

// Budget is a number of bytes that many share.
type Budget struct {
	Max  int64
	used atomic.Int64
}

// Take is false, and takes nothing, when there is not as much left.
func (b *Budget) Take(bytes int) bool {
	if b.used.Add(int64(bytes)) > b.Max {
		b.Give(bytes)
		return false
	}
	return true
}

// Give gives bytes back.
func (b *Budget) Give(bytes int) { b.used.Add(-int64(bytes)) }

// Used is how much is taken.
func (b *Budget) Used() int64 { return b.used.Load() }

package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Each body may have freeBody bytes. What is longer has BodiesTotal bytes for all bodies together, so that a call of the
// usual length is not refused because of large calls of others.
const (
	freeBody    = 4 << 10
	BodiesTotal = 16 << 20
)

// errBodiesFull: there is no memory for one more large body now.
var errBodiesFull = errors.New("too many large bodies at once")

// Bodies reads the bodies of requests into memory, and bounds how much of it they take.
type Bodies struct {
	Max      int             // bytes of one body
	Patience time.Duration   // how long a body may take, as http.Server.ReadTimeout has it
	Stopping context.Context // when it ends, a body that is not complete is not waited for
	Guards   *Guards         // counts what is refused
	Shared   Budget          // of what is longer than the usual; BodiesTotal is enough for many
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
			return 0, errBodiesFull
		}
		b.taken += more
	}
	return n, err
}

// Done gives the body's memory back.
func (b *Body) Done() { b.shared.Give(b.taken) }

// Read reads a request's body, however it is sent; false when it has refused the request.
func (s *Bodies) Read(w http.ResponseWriter, r *http.Request) (*Body, bool) {
	body, err := s.read(w, r)
	if err == nil {
		return body, true
	}
	w.Header().Set("Connection", "close") // rather than read all of the rest
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.Guards.refuse(w, r, "body", http.StatusRequestEntityTooLarge, "the body is larger than "+strconv.Itoa(s.Max)+" bytes; nothing was done")
		ForgetBody(w, r)
	case errors.Is(err, errBodiesFull):
		s.Guards.RefuseBusy(w, r, "bodies", err.Error())
		ForgetBody(w, r)
	case errors.Is(err, os.ErrDeadlineExceeded) && s.Stopping.Err() != nil:
		s.Guards.RefuseBusy(w, r, "stopping", "the server is stopping")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.Guards.refuse(w, r, "timeout", http.StatusRequestTimeout, "the body took longer than "+s.Patience.String()+"; nothing was done")
	default:
		http.Error(w, "the body could not be read; nothing was done", http.StatusBadRequest)
	}
	return nil, false
}

func (s *Bodies) read(w http.ResponseWriter, r *http.Request) (*Body, error) {
	if r.ContentLength > int64(s.Max) {
		return nil, &http.MaxBytesError{Limit: int64(s.Max)}
	}
	b := &Body{shared: &s.Shared, from: http.MaxBytesReader(w, r.Body, int64(s.Max))}
	control := http.NewResponseController(w)
	cut := make(chan struct{})
	stop := context.AfterFunc(s.Stopping, func() {
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

package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Each body may have freeBody bytes. What is longer has BodiesTotal bytes for all bodies together, so that a call of the
// usual length is not refused because of large calls of others.
//
// A body that is still coming after slowBody loses its room to one that needs it: a few clients that send their last byte
// late must not keep all others waiting.
const (
	freeBody    = 4 << 10
	BodiesTotal = 16 << 20
	slowBody    = 2 * time.Second
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

	mu     sync.Mutex
	coming map[*Body]bool // that have taken of Shared
}

// Body is a request's body in memory until Done is called.
type Body struct {
	Bytes []byte

	all   *Bodies
	begun time.Time
	cut   func()      // ends reading
	gone  atomic.Bool // its room went to another body
	taken int         // of all.Shared; all.mu is held
}

// take counts the room of a body that comes, in bytes. Where there is none, slow bodies make it.
func (s *Bodies) take(b *Body, room int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := room - freeBody - b.taken
	if b.gone.Load() || more <= 0 {
		return !b.gone.Load()
	}
	for !s.Shared.Take(more) {
		slowest := b
		for other := range s.coming {
			if other.begun.Before(slowest.begun) && time.Since(other.begun) > slowBody {
				slowest = other
			}
		}
		if slowest == b {
			return false
		}
		slowest.gone.Store(true)
		s.give(slowest)
		slowest.cut()
	}
	b.taken += more
	if s.coming == nil {
		s.coming = map[*Body]bool{}
	}
	s.coming[b] = true
	return true
}

func (s *Bodies) give(b *Body) {
	s.Shared.Give(b.taken)
	b.taken = 0
	delete(s.coming, b)
}

// arrived says whether a body, of that length, has kept its room to the end. It cannot lose it any more.
func (s *Bodies) arrived(b *Body, length int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.coming, b)
	if unused := b.taken - max(0, length-freeBody); !b.gone.Load() && unused > 0 {
		b.taken -= unused
		s.Shared.Give(unused)
	}
	return !b.gone.Load()
}

// Done gives the body's memory back.
func (b *Body) Done() {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.all.give(b)
}

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
	control := http.NewResponseController(w)
	b := &Body{all: s, begun: time.Now(), cut: func() { _ = control.SetReadDeadline(time.Now()) }}
	cut := make(chan struct{})
	stop := context.AfterFunc(s.Stopping, func() {
		defer close(cut)
		b.cut()
	})
	read, err := b.readAll(http.MaxBytesReader(w, r.Body, int64(s.Max)), r.ContentLength)
	if !stop() {
		<-cut
	}
	if !s.arrived(b, len(read)) {
		err = errBodiesFull
	}
	if err == nil {
		b.Bytes = read
		// The deadline was for the body. Left alone, it would end the request's context in the middle of a call.
		err = control.SetReadDeadline(time.Time{})
	}
	if err != nil {
		b.Done()
		return nil, err
	}
	return b, nil
}

// readAll reads to the end. Memory follows what has come, not what was announced: it grows to 64 KiB, and then to all that
// can come. Larger steps make less garbage, which is memory too. announced is below 0 for a length that is not known.
func (b *Body) readAll(from io.Reader, announced int64) ([]byte, error) {
	most := announced
	if announced < 0 {
		most = int64(b.all.Max)
	}
	read := make([]byte, 0, min(most, freeBody)+1) // the end is seen behind the last byte
	for {
		if len(read) == cap(read) {
			room := min(most, 16*int64(cap(read)))
			if !b.all.take(b, int(room)) {
				return nil, errBodiesFull
			}
			read = append(make([]byte, 0, room+1), read...)
		}
		n, err := from.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
		switch {
		case err == io.EOF && announced < 0:
			return bytes.Clone(read), nil
		case err == io.EOF:
			return read, nil
		case err != nil:
			return nil, err
		}
	}
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

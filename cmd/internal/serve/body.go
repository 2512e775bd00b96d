package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// Bodies that are read, or whose calls are under way, may each have freeBody bytes, and what is longer has maxBodies for
// all of them; chosen. A call of the usual length so is not refused because of others' large ones.
const (
	freeBody  = 4 << 10
	maxBodies = 16 << 20
)

// body is a request's body in memory, until done is called.
type body struct {
	bytes []byte
	from  io.Reader
	read  int
	room  *room
	taken int // of room
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += n
	if more := b.read - freeBody - b.taken; more > 0 {
		if !b.room.take(more) {
			return 0, errBodiesFull
		}
		b.taken += more
	}
	return n, err
}

func (b *body) done() { b.room.give(b.taken) }

// readBody reads a body of at most Server.MaxMessage bytes, however it is sent; false when it has answered.
func (f *front) readBody(w http.ResponseWriter, r *http.Request) (*body, bool) {
	limit := int64(f.server.maxMessage())
	b := &body{room: &f.bodies, from: http.MaxBytesReader(w, r.Body, limit)}
	var err error
	if r.ContentLength > limit {
		err = &http.MaxBytesError{Limit: limit}
	} else {
		err = f.fill(w, b, r.ContentLength)
	}
	if err == nil {
		return b, true
	}
	b.done()
	w.Header().Set("Connection", "close") // rather than read all of the rest
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		f.refuse(w, "body", http.StatusRequestEntityTooLarge,
			"the body is larger than "+strconv.FormatInt(limit, 10)+" bytes; nothing was done")
		guard.ForgetBody(w, r)
	case errors.Is(err, errBodiesFull):
		f.refuseBusy(w, err)
		guard.ForgetBody(w, r)
	case errors.Is(err, os.ErrDeadlineExceeded) && f.draining():
		f.refuseBusy(w, errStopping)
	case errors.Is(err, os.ErrDeadlineExceeded):
		f.refuse(w, "timeout", http.StatusRequestTimeout, "the body took longer than "+bodyTimeout.String()+"; nothing was done")
	default:
		http.Error(w, "the body could not be read; nothing was done", http.StatusBadRequest)
	}
	return nil, false
}

// fill reads the body. One that is not complete when the server has to stop is not waited for.
func (f *front) fill(w http.ResponseWriter, b *body, announced int64) error {
	control := http.NewResponseController(w)
	cut := make(chan struct{})
	stop := context.AfterFunc(f.stopping, func() {
		defer close(cut)
		_ = control.SetReadDeadline(time.Now())
	})
	// Memory follows what has come, not what was announced.
	read := bytes.NewBuffer(make([]byte, 0, min(uint64(announced), 8<<10)+bytes.MinRead))
	_, err := read.ReadFrom(b)
	if !stop() {
		<-cut
	}
	if err != nil {
		return err
	}
	b.bytes, b.from = read.Bytes(), nil
	// The deadline was for the body; left alone, it would end the request's context in the midst of a call.
	return control.SetReadDeadline(time.Time{})
}

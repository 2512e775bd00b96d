package serve

import (
	"errors"
	"net/http"
	"os"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// busy is why a request is refused for now. The guard is what /metrics counts it under.
type busy struct{ guard, why string }

func (b *busy) Error() string { return b.why }

var (
	errCallsFull    = &busy{"in_flight", "too many calls in flight"}
	errStreamsFull  = &busy{"streams", "too many event streams"}
	errStreamFull   = &busy{"stream", "the client does not read its event stream"}
	errUnreadFull   = &busy{"stream", "too much waits on event streams that are not read"}
	errStreamClosed = &busy{"stream", "the event stream is closed"}
	errBodiesFull   = &busy{"bodies", guard.ErrBodiesFull.Error()}
	errStopping     = &busy{"stopping", "the server is stopping"}
)

// refuse answers a request that was not begun, and counts it.
func (e *endpoints) refuse(w http.ResponseWriter, guard string, status int, text string) {
	if e.config.Guards.Refused != nil {
		e.config.Guards.Refused(guard)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, text, status)
}

func (e *endpoints) refuseBusy(w http.ResponseWriter, err error) {
	var b *busy
	if !errors.As(err, &b) {
		b = &busy{"stream", err.Error()}
	}
	e.refuse(w, b.guard, http.StatusServiceUnavailable, b.why+"; nothing was done, try again")
}

// enter counts a message in, among the calls or, when it asks for a stream of events, among the streams.
func (e *endpoints) enter(m *message) (inFlight, error) {
	counted, full := e.calls, errCallsFull
	if m.Method == mcp.MethodSubscriptionsListen {
		counted, full = e.streams, errStreamsFull
	}
	switch {
	case e.draining():
		return inFlight{}, errStopping
	case counted.TryAcquire(1):
		return counted, nil
	case e.draining(): // since then
		return inFlight{}, errStopping
	default:
		return inFlight{}, full
	}
}

// readBody reads a body of at most Server.MaxMessage bytes; false when it has answered.
func (e *endpoints) readBody(w http.ResponseWriter, r *http.Request) (*guard.Body, bool) {
	body, err := e.bodies.Read(w, r, e.stopping)
	if err == nil {
		return body, true
	}
	w.Header().Set("Connection", "close") // rather than read all of the rest
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e.refuse(w, "body", http.StatusRequestEntityTooLarge,
			"the body is larger than "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes; nothing was done")
		guard.ForgetBody(w, r)
	case errors.Is(err, guard.ErrBodiesFull):
		e.refuseBusy(w, errBodiesFull)
		guard.ForgetBody(w, r)
	case errors.Is(err, os.ErrDeadlineExceeded) && e.draining():
		e.refuseBusy(w, errStopping)
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.refuse(w, "timeout", http.StatusRequestTimeout, "the body took longer than "+bodyTimeout.String()+"; nothing was done")
	default:
		http.Error(w, "the body could not be read; nothing was done", http.StatusBadRequest)
	}
	return nil, false
}

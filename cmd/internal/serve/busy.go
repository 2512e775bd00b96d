package serve

import (
	"errors"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
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
	errBodiesFull   = &busy{"bodies", "too many large bodies at once"}
	errStopping     = &busy{"stopping", "the server is stopping"}
)

// refuseBusy answers a request of which nothing was begun.
func (f *front) refuseBusy(w http.ResponseWriter, err error) {
	var b *busy
	if !errors.As(err, &b) {
		b = &busy{"stream", err.Error()}
	}
	f.refuse(w, b.guard, http.StatusServiceUnavailable, b.why+"; nothing was done, try again")
}

// enter counts a message in, among the calls or, when it asks for a stream of events, among those.
func (f *front) enter(m *message) (*inFlight, error) {
	counted, full := f.calls, errCallsFull
	if m.Method == mcp.MethodSubscriptionsListen {
		counted, full = f.streams, errStreamsFull
	}
	switch {
	case f.draining():
		return nil, errStopping
	case counted.enter():
		return counted, nil
	case f.draining(): // since then
		return nil, errStopping
	default:
		return nil, full
	}
}

package serve

import (
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
	errStopping     = &busy{"stopping", "the server is stopping"}
)

// refuseBusy answers a request of which nothing was begun. err is one of the above.
func (e *endpoints) refuseBusy(w http.ResponseWriter, r *http.Request, err error) {
	b := err.(*busy)
	e.config.Guards.RefuseBusy(w, r, b.guard, b.why)
}

// enter counts a message in, among the calls or, when it asks for a stream of events, among the streams.
func (e *endpoints) enter(m *message) (leave func(), err error) {
	counted, full, read := e.calls, errCallsFull, int64(0)
	if m.Method == mcp.MethodSubscriptionsListen {
		counted, full = e.streams, errStreamsFull
	}
	if e.server.onlyReads(m) {
		read = 1
	}
	switch {
	case e.draining():
		return nil, errStopping
	case !e.reads.TryAcquire(read):
		return nil, full
	case !counted.TryAcquire(1):
		e.reads.Release(read)
		return nil, full
	}
	return func() { counted.Release(1); e.reads.Release(read) }, nil
}

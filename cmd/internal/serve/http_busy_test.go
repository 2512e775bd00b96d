package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// counted is what guards refused, as /metrics would count it.
type counted struct {
	mu   sync.Mutex
	seen []string
}

func (r *counted) config() HTTP {
	return HTTP{Guards: guard.Guards{Refused: func(g string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen = append(r.seen, g)
	}}}
}

func (r *counted) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

const halfSent = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"

func TestHalfSentBodiesHoldUpNoCallAndNoEnd(t *testing.T) {
	var r counted
	s := newFixture().server()
	s.MaxInFlight = 2
	h := startHTTP(t, s, r.config())
	stream := h.openSSE()
	var halves []net.Conn
	for range 2 {
		halves = append(halves, h.dial("POST /mcp HTTP/1.1\r\n"+halfSent), h.dial("POST "+stream.endpoint+" HTTP/1.1\r\n"+halfSent))
	}
	for range 20 { // the halves have arrived by some of them
		require.Equal(t, http.StatusOK, h.post("/mcp", callLine(1, "echo")).status)
		stream.send(callLine(2, "echo"))
		stream.receive()
	}
	begun := time.Now()
	h.stop()
	require.NoError(t, <-h.done)
	require.Less(t, time.Since(begun), 5*time.Second, "the end waits for bodies")
	for _, conn := range halves {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		said, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		require.Contains(t, string(said), "stopping; nothing was done")
	}
	require.Equal(t, []string{"stopping", "stopping", "stopping", "stopping"}, r.all())
}

func TestLargeBodiesShareTheirRoom(t *testing.T) {
	var r counted
	f := newFixture()
	h := startHTTP(t, f.server(), r.config())
	large := strings.Replace(callLine(1, "wait"), `"n":1`, `"n":"`+strings.Repeat("x", 1_000_000)+`"`, 1)
	var answered []<-chan reply
	for range (16 << 20) / 1_000_000 {
		answered = append(answered, h.begin("/mcp", large))
		<-f.started
	}
	refused := h.post("/mcp", large)
	require.Equal(t, http.StatusServiceUnavailable, refused.status)
	require.Contains(t, refused.body, "nothing was done")
	require.Equal(t, []string{"bodies"}, r.all())
	require.Equal(t, http.StatusOK, h.post("/mcp", callLine(1, "echo")).status, "a body of the usual length has room of its own")
	close(f.gate)
	for _, a := range answered {
		require.Equal(t, http.StatusOK, (<-a).status)
	}
	require.Equal(t, http.StatusOK, h.post("/mcp", large).status)
}

func TestNothingBeginsWhileTheServerStops(t *testing.T) {
	var r counted
	f := newFixture()
	h := startHTTP(t, f.server(), r.config())
	stream := h.openSSE()
	answered := h.begin("/mcp", callLine(1, "stubborn"))
	<-f.started
	h.stop()
	require.Eventually(t, func() bool { return h.get("/readyz").status == http.StatusServiceUnavailable }, time.Minute, time.Millisecond)
	for _, refused := range []reply{
		h.post("/mcp", callLine(2, "echo")), h.post(stream.endpoint, callLine(3, "echo")), h.get("/sse"),
		h.postListen(),
	} {
		require.Equal(t, http.StatusServiceUnavailable, refused.status)
		require.Contains(t, refused.body, "stopping; nothing was done")
		require.NotEmpty(t, refused.header.Get("Retry-After"))
	}
	require.Equal(t, []string{"stopping", "stopping", "stopping", "stopping"}, r.all())
	close(f.gate)
	require.Equal(t, http.StatusOK, (<-answered).status)
	require.NoError(t, <-h.done)
}

var listenHeader = map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}

func (h *httpServer) postListen() reply {
	h.t.Helper()
	body, err := io.ReadAll(listenRequest())
	require.NoError(h.t, err)
	r, err := h.do(http.MethodPost, "/mcp", string(body), listenHeader)
	require.NoError(h.t, err)
	return r
}

// listen opens a stream of notifications on /mcp and returns once it is there.
func (h *httpServer) listen() {
	h.t.Helper()
	ctx, hangUp := context.WithCancel(context.Background())
	h.t.Cleanup(hangUp)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/mcp", listenRequest())
	require.NoError(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range listenHeader {
		r.Header.Set(name, value)
	}
	response, err := h.client.Do(r)
	require.NoError(h.t, err)
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(h.t, err)
	require.NotEmpty(h.t, line)
}

func TestAListeningClientHoldsNoCall(t *testing.T) {
	s := newFixture().server()
	s.MaxInFlight = 1
	h := startHTTP(t, s, HTTP{})
	h.listen()
	h.listen()
	stream := h.openSSE()
	for range 2 {
		body, err := io.ReadAll(listenRequest())
		require.NoError(t, err)
		stream.send(string(body))
		require.Contains(t, stream.receive(), "acknowledged")
	}
	require.Equal(t, http.StatusOK, h.post("/mcp", callLine(2, "echo")).status)
	stream.send(callLine(3, "echo"))
	require.Equal(t, "3", string(readAnswer(t, stream.receive()).ID))
}

func TestEventStreamsAreBounded(t *testing.T) {
	var r counted
	h, f := startEndpoints(t, newFixture().server(), r.config())
	stream := h.openSSE()
	taken := 0
	for f.streams.TryAcquire(1) {
		taken++
	}
	require.Equal(t, maxStreams-1, taken)
	body, err := io.ReadAll(listenRequest())
	require.NoError(t, err)
	for _, refused := range []reply{h.get("/sse"), h.postListen(), h.post(stream.endpoint, string(body))} {
		require.Equal(t, http.StatusServiceUnavailable, refused.status)
		require.Contains(t, refused.body, "too many event streams; nothing was done")
	}
	require.Equal(t, []string{"streams", "streams", "streams"}, r.all())
	require.True(t, f.calls.TryAcquire(f.calls.all), "no call holds a place")
	f.calls.Release(f.calls.all)
	for range taken {
		f.streams.Release(1)
	}
}

// What is refused as the client does not read is counted, too.
func TestAFullEventStreamIsCounted(t *testing.T) {
	var r counted
	h, f := startEndpoints(t, newFixture().server(), r.config())
	stream := h.openSSE()
	require.True(t, f.unsent.Take(maxUnsent/2))
	refused := h.post(stream.endpoint, callLine(1, "echo"))
	require.Equal(t, http.StatusServiceUnavailable, refused.status)
	require.Contains(t, refused.body, "nothing was done")
	require.Equal(t, []string{"stream"}, r.all())
	require.True(t, f.calls.TryAcquire(f.calls.all), "no call holds a place")
	f.calls.Release(f.calls.all)
	f.unsent.Give(maxUnsent / 2)
	stream.send(callLine(1, "echo"))
}

func TestEachRouteHasItsMethods(t *testing.T) {
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "other") })
	h := startHTTP(t, newFixture().server(), HTTP{Other: other, Metrics: other})
	for path, allowed := range map[string]string{
		"/mcp": "POST", "/message": "POST", "/sse": "GET", "/metrics": "GET, HEAD", "/healthz": "GET, HEAD", "/readyz": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			if strings.Contains(allowed, method) {
				continue
			}
			r, err := h.do(method, path, "", nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusMethodNotAllowed, r.status, "%s %s", method, path)
			require.Equal(t, allowed, r.header.Get("Allow"), path)
		}
	}
	require.Equal(t, "other", h.get("/elsewhere").body)
}

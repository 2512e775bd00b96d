package serve

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHTTPFinishesCallsBeforeItEnds(t *testing.T) {
	f := newFixture()
	h := startHTTP(t, f.server(), HTTP{})
	stream := h.openSSE()
	stream.send(callLine(1, "stubborn"))
	<-f.started
	answered := h.begin("/mcp", callLine(2, "stubborn"))
	<-f.started
	require.Equal(t, http.StatusOK, h.get("/readyz").status)
	h.stop()
	require.Eventually(t, func() bool { return h.get("/readyz").status == http.StatusServiceUnavailable }, time.Minute, time.Millisecond)
	require.Equal(t, http.StatusOK, h.get("/healthz").status, "the listener is still open")
	require.Equal(t, http.StatusServiceUnavailable, h.post("/mcp", callLine(3, "echo")).status)
	close(f.gate)
	require.Equal(t, "2", string(readAnswer(t, (<-answered).body).ID))
	require.Equal(t, "1", string(readAnswer(t, stream.receive()).ID))
	require.Empty(t, stream.receive(), "the stream is closed")
	require.NoError(t, <-h.done)
	_, err := h.do(http.MethodGet, "/healthz", "", nil)
	require.Error(t, err, "the listener is closed")
}

func TestHTTPCancelsCallsAfterTheGracePeriod(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.Grace = 10 * time.Millisecond
	h := startHTTP(t, s, HTTP{})
	answered := h.begin("/mcp", callLine(1, "wait"))
	<-f.started
	h.stop()
	require.True(t, readAnswer(t, (<-answered).body).Result.IsError)
	require.NoError(t, <-h.done)
}

func TestHTTPSaysWhichCallsItCutOff(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.Grace = 10 * time.Millisecond
	h := startHTTP(t, s, HTTP{})
	stream := h.openSSE()
	stream.send(callLine(1, "stubborn"))
	<-f.started
	h.stop()
	require.ErrorContains(t, <-h.done, "calls were still in flight")
	close(f.gate)
}

func TestHTTPEndsSubscriptionsAtOnce(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	r, err := http.NewRequest(http.MethodPost, h.url+"/mcp", listenRequest())
	require.NoError(t, err)
	for name, value := range map[string]string{"Content-Type": "application/json", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"} {
		r.Header.Set(name, value)
	}
	response, err := h.client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	opening := make([]byte, 4096)
	n, err := response.Body.Read(opening)
	require.NoError(t, err)
	require.Contains(t, string(opening[:n]), "acknowledged")
	h.stop()
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, <-h.done)
}

func TestListenRefusesWhatIsNotSafe(t *testing.T) {
	for addr, files := range map[string][2]string{
		"0.0.0.0:0":   {},
		"127.0.0.1:0": {"only-one.pem", ""},
		"127.0.0.1:1": {"missing.pem", "missing.pem"},
	} {
		_, err := new(HTTP).Guards.Listen(t.Context(), addr, files[0], files[1])
		require.Error(t, err)
	}
}

func listenRequest() io.Reader {
	return strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modernMeta + `}}`)
}

package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func TestGuardsStandBeforeEveryRoute(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) })
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guards(token("a")), Metrics: metrics})
	authorized := func(header map[string]string) map[string]string {
		header["Authorization"] = "Bearer " + token("a")
		return header
	}
	for _, route := range []struct{ method, path string }{
		{http.MethodPost, "/mcp"}, {http.MethodPost, "/message"}, {http.MethodGet, "/sse"}, {http.MethodGet, "/metrics"}, {http.MethodGet, "/unheard-of"},
	} {
		for _, c := range []struct {
			header map[string]string
			want   int
		}{
			{nil, http.StatusUnauthorized},
			{authorized(map[string]string{"Origin": "https://evil.example"}), http.StatusForbidden},
		} {
			r, err := h.do(route.method, route.path, "", c.header)
			require.NoError(t, err)
			require.Equal(t, c.want, r.status, route.path)
		}
		r, err := http.NewRequest(route.method, h.url+route.path, nil)
		require.NoError(t, err)
		r.Host = "evil.example"
		r.Header.Set("Authorization", "Bearer "+token("a"))
		response, err := h.client.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, http.StatusForbidden, response.StatusCode, route.path)
	}
	r, err := h.do(http.MethodGet, "/metrics", "", authorized(map[string]string{}))
	require.NoError(t, err)
	require.Equal(t, "metrics", r.body)
}

func TestHealthRoutesAreFreeOfHostAndToken(t *testing.T) {
	var ready atomic.Bool
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guards(token("a")), Ready: func(context.Context) error {
		if ready.Load() {
			return nil
		}
		return io.ErrUnexpectedEOF
	}})
	for _, c := range []struct {
		path  string
		ready bool
		want  int
	}{{"/healthz", false, 200}, {"/readyz", false, 503}, {"/readyz", true, 200}} {
		ready.Store(c.ready)
		r, err := http.NewRequest(http.MethodGet, h.url+c.path, nil)
		require.NoError(t, err)
		r.Host = "10.0.0.7:8080" // as a probe does
		response, err := h.client.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, c.want, response.StatusCode)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	r, err := h.do(http.MethodGet, "/healthz", "", map[string]string{"X-Long": strings.Repeat("x", maxHeaderBytes)})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.status, "net/http adds 4 KiB to the bound")
	r, err = h.do(http.MethodGet, "/healthz", "", map[string]string{"X-Long": strings.Repeat("x", 2*maxHeaderBytes)})
	if err == nil { // the server may hang up while the rest is still being sent
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, r.status)
	}
}

func TestMetadataIsForEveryoneWhoNamesTheHost(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guard.Guards{OAuth: &guard.OAuth{Issuer: "https://auth.example", Audience: "https://mcp.example/mcp"}}})
	for host, want := range map[string]int{"localhost": http.StatusOK, "evil.example": http.StatusForbidden} {
		for _, path := range []string{guard.MetadataPath, guard.MetadataPath + "/mcp"} {
			r, err := http.NewRequest(http.MethodGet, h.url+path, nil)
			require.NoError(t, err)
			r.Host = host
			response, err := h.client.Do(r)
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, want, response.StatusCode, "%s %s", host, path)
		}
	}
}

func TestCallerIsTheTokensDigest(t *testing.T) {
	callers := make(chan string, 2)
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		callers <- Caller(ctx)
		return mcp.NewToolResultText(""), nil
	}, "echo")
	h := startHTTP(t, s, HTTP{Guards: guards(token("a"), token("b"))})
	for _, letter := range []string{"a", "b"} {
		r, err := h.do(http.MethodPost, "/mcp", callLine(1, "echo"), map[string]string{"Authorization": "Bearer " + token(letter)})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.status)
	}
	first, second := <-callers, <-callers
	require.NotEmpty(t, first)
	require.NotEqual(t, first, second)
	require.NotContains(t, first, "aaaa")
}

func TestTheReadmeNamesTheBounds(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	words := strings.Join(strings.Fields(string(readme)), " ")
	for _, says := range []string{
		fmt.Sprintf("| header | %d KiB, %.0f s |", maxHeaderBytes>>10, headerTimeout.Seconds()),
		fmt.Sprintf("| body | %d MiB, %.0f s |", (&Server{}).maxMessage()>>20, bodyTimeout.Seconds()),
		fmt.Sprintf("makes room for another | %d MiB |", guard.BodiesTotal>>20),
		fmt.Sprintf("| event streams | %d |", maxStreams),
		fmt.Sprintf("| %d messages or %d MiB per stream, %d MiB in all |", maxUnsentMessages, maxUnsentBytes>>20, maxUnsent/2>>20),
		fmt.Sprintf("may each have %d KiB and %d,000 values", guard.MaxWhole>>10, guard.MaxValues/1000),
		fmt.Sprintf("Over stdio, %d MiB of requests wait at most", maxUnanswered>>20),
	} {
		require.Contains(t, words, says)
	}
}

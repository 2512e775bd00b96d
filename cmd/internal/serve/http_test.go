package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// TestStreamableHTTPKeepsTheMeaningOfMCPGo sends the same requests to mcp-go's own server and to ours.
func TestStreamableHTTPKeepsTheMeaningOfMCPGo(t *testing.T) {
	own := httptest.NewServer(server.NewStreamableHTTPServer(newFixture().mcp(), server.WithStateLess(true)))
	defer own.Close()
	theirs := &httpServer{t: t, url: own.URL, client: own.Client()}
	ours := startHTTP(t, newFixture().server(), HTTP{})
	modern := func(change ...string) map[string]string {
		header := map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo"}
		for i := 0; i < len(change); i += 2 {
			header[change[i]] = change[i+1]
		}
		return header
	}
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}`
	modernCall := `{"jsonrpc":"2.0","id":"m","method":"tools/call","params":{"name":"echo","arguments":{"a":1},` + modernMeta + `}}`
	for i, c := range []struct {
		body   string
		header map[string]string
	}{
		{call, nil},
		{call, map[string]string{"Mcp-Protocol-Version": "2025-06-18"}},
		{call, map[string]string{"Mcp-Protocol-Version": "1999-01-01"}},
		{call, map[string]string{"Mcp-Protocol-Version": "2026-07-28"}},
		{call, map[string]string{"Content-Type": "text/plain"}},
		{call, map[string]string{"Content-Type": "application/json; charset=utf-8"}},
		{call, map[string]string{"Mcp-Session-Id": "made-up"}},
		{modernCall, modern()},
		{modernCall, nil},
		{modernCall, modern("Mcp-Name", "other")},
		{modernCall, modern("Mcp-Name", "")},
		{modernCall, modern("Mcp-Method", "tools/list")},
		{modernCall, modern("Mcp-Protocol-Version", "2025-06-18")},
		{modernCall, modern("Last-Event-Id", "3")},
		{modernCall, modern("Mcp-Param-A", "1")},
		{strings.ReplaceAll(modernCall, "2026-07-28", "2027-01-01"), modern("Mcp-Protocol-Version", "2027-01-01")},
		{strings.Replace(modernCall, `,"io.modelcontextprotocol/clientCapabilities":{}`, "", 1), modern()},
		{strings.ReplaceAll(modernCall, "echo", "nobody"), modern("Mcp-Name", "nobody")},
		{strings.ReplaceAll(modernCall, "echo", "ask"), modern("Mcp-Name", "ask")},
		{`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, nil},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, nil},
		{`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, nil},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, nil},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			want, err := theirs.do(http.MethodPost, "/mcp", c.body, c.header)
			require.NoError(t, err)
			got, err := ours.do(http.MethodPost, "/mcp", c.body, c.header)
			require.NoError(t, err)
			require.Equal(t, want.status, got.status, "%s\n%s", want.body, got.body)
			require.Equal(t, want.header.Get("Content-Type"), got.header.Get("Content-Type"))
			require.Empty(t, got.header.Get("Mcp-Session-Id"))
			if json.Valid([]byte(want.body)) {
				require.JSONEq(t, want.body, got.body)
			} else {
				require.Equal(t, want.body, got.body)
			}
		})
	}
}

func TestMCPTakesOnlyPosts(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut} {
		r, err := h.do(method, "/mcp", "", nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, r.status)
		require.Equal(t, "POST", r.header.Get("Allow"))
	}
}

func TestACancellationReachesNoOtherClientsRequest(t *testing.T) {
	f := newFixture()
	h := startHTTP(t, f.server(), HTTP{})
	answered := h.begin("/mcp", callLine(1, "wait"))
	<-f.started
	require.Equal(t, http.StatusAccepted, h.post("/mcp", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`).status)
	close(f.gate)
	require.False(t, readAnswer(t, (<-answered).body).Result.IsError)
}

func TestAClientThatHangsUpCancelsItsCall(t *testing.T) {
	f := newFixture()
	ended := make(chan error, 1)
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		defer func() { ended <- ctx.Err() }()
		return f.call(ctx, "wait", nil), nil
	}, "wait")
	h := startHTTP(t, s, HTTP{})
	ctx, hangUp := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/mcp", strings.NewReader(callLine(1, "wait")))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	go func() {
		<-f.started
		hangUp()
	}()
	_, err = h.client.Do(r)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestCallsInFlightAreBounded(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.MaxInFlight = 2
	var refused atomic.Int64
	h := startHTTP(t, s, HTTP{Guards: guard.Guards{Refused: func(string) { refused.Add(1) }}})
	stream := h.openSSE()
	var answered []<-chan reply
	for id := range 2 {
		answered = append(answered, h.begin("/mcp", callLine(id, "wait")))
		<-f.started
	}
	for _, path := range []string{"/mcp", stream.endpoint} {
		r := h.post(path, callLine(3, "wait"))
		require.Equal(t, http.StatusServiceUnavailable, r.status)
		require.NotEmpty(t, r.header.Get("Retry-After"))
		require.Contains(t, r.body, "nothing was done")
	}
	require.EqualValues(t, 2, refused.Load())
	require.Empty(t, f.started)
	close(f.gate)
	require.Equal(t, http.StatusOK, (<-answered[0]).status)
	require.Equal(t, http.StatusOK, (<-answered[1]).status)
	require.Equal(t, http.StatusOK, h.post("/mcp", callLine(3, "echo")).status)
}

func TestTheTraceparentHeaderIsUsed(t *testing.T) {
	attrs := make(chan string, 1)
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		attrs <- fmt.Sprint(AppendLogAttrs(ctx, nil))
		return mcp.NewToolResultText(""), nil
	}, "echo")
	h := startHTTP(t, s, HTTP{})
	_, err := h.do(http.MethodPost, "/mcp", callLine(1, "echo"), map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	require.NoError(t, err)
	require.Equal(t, "[transport=http jsonrpc_id=1 trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331]", <-attrs)

	r, err := http.NewRequest(http.MethodPost, h.url+"/mcp", strings.NewReader(callLine(1, "echo")))
	require.NoError(t, err)
	r.Header["Content-Type"] = []string{"application/json"}
	r.Header["Traceparent"] = []string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	response, err := h.client.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, "[transport=http jsonrpc_id=1]", <-attrs, "of two, neither is the trace")
}

func TestSixtyFourClientsGetTheirOwnAnswers(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	var wait sync.WaitGroup
	for client := range 64 {
		wait.Go(func() {
			for n := range 10 {
				id := client*1000 + n
				r, err := h.do(http.MethodPost, "/mcp", callLine(id, "echo"), nil)
				if err != nil || !strings.Contains(r.body, fmt.Sprintf(`"id":%d,`, id)) || !strings.Contains(r.body, fmt.Sprintf(`{\"n\":%d}`, id)) {
					t.Errorf("client %d: %v %s", client, err, r.body)
				}
			}
		})
	}
	wait.Wait()
}

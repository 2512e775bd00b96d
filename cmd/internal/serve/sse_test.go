package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func TestSSEAnswersOnItsStream(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	stream := h.openSSE()
	stream.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}`)
	require.Contains(t, stream.receive(), `"protocolVersion":"2024-11-05"`)
	stream.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	stream.send(callLine(2, "echo"))
	require.Equal(t, `{"n":2}`, readAnswer(t, stream.receive()).Result.Content[0].Text)
	stream.send("nonsense")
	require.Equal(t, -32700, readAnswer(t, stream.receive()).Error.Code)
	stream.send(callLine(3, "panic"))
	require.Equal(t, -32603, readAnswer(t, stream.receive()).Error.Code)
	stream.send(callLine(4, "ask"))
	var asked struct {
		ID     json.RawMessage
		Method string
	}
	require.NoError(t, json.Unmarshal([]byte(stream.receive()), &asked))
	require.Equal(t, "elicitation/create", asked.Method)
	stream.send(`{"jsonrpc":"2.0","id":` + string(asked.ID) + `,"result":{"action":"accept","content":{}}}`)
	require.Equal(t, "the user said accept", readAnswer(t, stream.receive()).Result.Content[0].Text)
	stream.send(callLine(5, "notify"))
	both := []string{stream.receive(), stream.receive()}
	require.Contains(t, strings.Join(both, "\n"), "notifications/fixture")
}

func TestSSECancelsTheCallThatIsNamed(t *testing.T) {
	f := newFixture()
	h := startHTTP(t, f.server(), HTTP{})
	stream := h.openSSE()
	stream.send(callLine(1, "wait"))
	<-f.started
	stream.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	require.True(t, readAnswer(t, stream.receive()).Result.IsError)
}

func TestSSEClosingAStreamCancelsItsCalls(t *testing.T) {
	f := newFixture()
	ended := make(chan error, 1)
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		defer func() { ended <- ctx.Err() }()
		return f.call(ctx, "wait", nil), nil
	}, "wait")
	h := startHTTP(t, s, HTTP{})
	stream := h.openSSE()
	stream.send(callLine(1, "wait"))
	<-f.started
	stream.body.Close()
	require.ErrorIs(t, <-ended, context.Canceled)
	h.stop() // the grace period is long: it ends as soon as the call has
	require.NoError(t, <-h.done)
}

func TestSSESessionsAreTheirCallersOwn(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guards(token("a"), token("b"))})
	r, err := http.NewRequest(http.MethodGet, h.url+"/sse", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token("a"))
	response, err := h.client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	opening := make([]byte, 512)
	n, err := response.Body.Read(opening)
	require.NoError(t, err)
	_, endpoint, _ := strings.Cut(string(opening[:n]), "data: ")
	endpoint = "/" + strings.TrimSpace(endpoint)
	for letter, want := range map[string]int{"a": http.StatusAccepted, "b": http.StatusNotFound} {
		r, err := h.do(http.MethodPost, endpoint, callLine(1, "echo"), map[string]string{"Authorization": "Bearer " + token(letter)})
		require.NoError(t, err)
		require.Equal(t, want, r.status)
	}
	missing, err := h.do(http.MethodPost, "/message?sessionId=made-up", callLine(1, "echo"), map[string]string{"Authorization": "Bearer " + token("a")})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, missing.status)
}

func TestSSERefusesCallsWhenNobodyReads(t *testing.T) {
	stream := new(Server).newStream("", &guard.Budget{Max: maxUnsent})
	for range maxUnsentMessages {
		require.NoError(t, stream.reserve())
	}
	require.ErrorIs(t, stream.reserve(), errStreamFull)
	require.ErrorIs(t, stream.send([]byte("{}")), errStreamFull)
	stream.put(nil) // a message without an answer gives its place back
	require.NoError(t, stream.reserve())
	stream.put([]byte("{}"))
	var sent memoryConn
	require.NoError(t, stream.flush(&sent))
	require.Equal(t, "event: message\ndata: {}\n\n", sent.String())
	require.NoError(t, stream.reserve())
	stream.close()
	require.ErrorIs(t, stream.reserve(), errStreamClosed)
}

func TestSSESixtyFourClientsGetTheirOwnAnswers(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	var wait sync.WaitGroup
	for client := range 64 {
		stream := h.openSSE()
		wait.Go(func() {
			for n := range 10 {
				id := client*1000 + n
				r, err := h.do(http.MethodPost, stream.endpoint, callLine(id, "echo"), nil)
				if err != nil || r.status != http.StatusAccepted {
					t.Errorf("client %d: %v %d", client, err, r.status)
				}
			}
			seen := map[string]bool{}
			for range 10 {
				var a answer
				if err := json.Unmarshal([]byte(stream.receive()), &a); err != nil || a.Result.Content[0].Text != `{"n":`+string(a.ID)+`}` {
					t.Errorf("client %d: %v", client, err)
					return
				}
				seen[string(a.ID)] = true
			}
			for n := range 10 {
				if !seen[fmt.Sprint(client*1000+n)] {
					t.Errorf("client %d: no answer to %d", client, n)
				}
			}
		})
	}
	wait.Wait()
}

package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

// callsEach is how many calls each client makes. With the race detector, which
// takes ten times as long, it makes fewer.
func callsEach() int {
	if len(raceFlag) > 0 {
		return 4
	}
	return 10
}

// All clients use the same JSON-RPC ids. Every call must get the answer to its own
// request, and send one message.
func TestSixtyFourClientsGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	t.Run("streamable HTTP", func(t *testing.T) {
		u, s := startUnlimited(t)
		callFromAll(t, u, func() (*mcpgo.Client, error) { return mcpgo.NewStreamableHttpClient(s.url + "/mcp") }, modern)
		s.stop()
	})
	t.Run("SSE", func(t *testing.T) {
		u, s := startUnlimited(t)
		callFromAll(t, u, func() (*mcpgo.Client, error) { return mcpgo.NewSSEMCPClient(s.url + "/sse") }, legacy)
		s.stop()
	})
	t.Run("stdio", func(t *testing.T) {
		// Each client has its own process, and 64 processes are too many for the race
		// detector. The test of replicas uses it with many callers of two processes.
		binary := withoutRace(t)
		u := startUpstream(t)
		callFromAll(t, u, func() (*mcpgo.Client, error) { return stdioMCPGo(binary, environment(t, u.env...)) }, legacy)
	})
}

func startUnlimited(t *testing.T) (*upstream, *site) {
	u := startUpstream(t)
	return u, startHTTP(t, environment(t, u.env...), "--rate-limit", "0")
}

// callFromAll connects the clients, then has them call all at once.
func callFromAll(t *testing.T, u *upstream, open func() (*mcpgo.Client, error), version string) {
	all := make([]*mcpgo.Client, clients)
	for i := range all {
		client, err := open()
		require.NoError(t, err)
		defer client.Close()
		connectMCPGo(t, client, version)
		all[i] = client
	}
	var mu sync.Mutex
	sids, failures := map[string]bool{}, []error(nil)
	var busy sync.WaitGroup
	for i, client := range all {
		for n := range callsEach() {
			busy.Go(func() {
				sid, err := callOwn(t, client, fmt.Sprintf("client %d, call %d", i, n))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failures = append(failures, err)
				} else {
					sids[sid] = true
				}
			})
		}
	}
	busy.Wait()
	require.Empty(t, failures)
	require.Len(t, sids, clients*callsEach(), "each answer has a receipt of its own")
	require.Equal(t, clients*callsEach(), u.Accepted())
	for body, count := range u.messages(t) {
		require.Equal(t, 1, count, body)
	}
}

// callOwn sends a body and returns the SID in the receipt. The receipt must be for
// this body.
func callOwn(t *testing.T, client *mcpgo.Client, body string) (string, error) {
	result, err := client.CallTool(t.Context(), toolCall(arguments(body)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", body, err)
	}
	if result.IsError {
		return "", fmt.Errorf("%s: %s", body, result.Content[0].(mcp.TextContent).Text)
	}
	fields := result.StructuredContent.(map[string]any)
	var data struct{ Body string }
	if err := json.Unmarshal([]byte(fields["data"].(string)), &data); err != nil {
		return "", fmt.Errorf("%s: %w", body, err)
	}
	if data.Body != body {
		return "", fmt.Errorf("%s: was answered with %q", body, data.Body)
	}
	return fields["sid"].(string), nil
}

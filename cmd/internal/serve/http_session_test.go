package serve

import (
	"context"
	"net/http"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

// Without sessions a client of an earlier revision could not be told from another when it answers.
func TestNobodyIsAskedWithoutASession(t *testing.T) {
	f := newFixture()
	s := f.server()
	for name, ask := range map[string]*server.InputRequestBuilder{
		"sample": server.NewInputRequestBuilder("").Sample("id", mcp.CreateMessageParams{}),
		"roots":  server.NewInputRequestBuilder("").Roots("id"),
	} {
		s.MCP.AddTool(mcp.NewTool(name), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return ask.ToolResult(), nil
		})
	}
	h := startHTTP(t, s, HTTP{})
	for _, header := range []map[string]string{nil, {"Mcp-Session-Id": "made-up"}, {"Mcp-Protocol-Version": "2025-11-25"}} {
		for name, want := range map[string]string{
			"ask":    server.ErrElicitationNotSupported.Error(),
			"sample": "asks for input in a way that the client's protocol revision does not have",
			"roots":  "asks for input in a way that the client's protocol revision does not have",
		} {
			r, err := h.do(http.MethodPost, "/mcp", callLine(1, name), header)
			require.NoError(t, err)
			require.Equal(t, "application/json", r.header.Get("Content-Type"), name)
			require.Contains(t, r.body, want)
		}
	}
	// It is told things all the same: the answer comes as a stream.
	require.Equal(t, "text/event-stream", h.post("/mcp", callLine(1, "notify")).header.Get("Content-Type"))
}

// mcp-go takes all requests without a session for one client's: it would cancel whichever has the id.
func TestACancellationReachesNoRequestThatMCPGoAnswers(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.MCP.AddResource(mcp.NewResource("test://slow", "slow"), func(ctx context.Context, _ mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		f.started <- "read"
		select {
		case <-f.gate:
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	})
	h := startHTTP(t, s, HTTP{})
	answered := h.begin("/mcp", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"test://slow"}}`)
	<-f.started
	require.Equal(t, http.StatusAccepted, h.post("/mcp", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`).status)
	close(f.gate)
	require.Nil(t, readAnswer(t, (<-answered).body).Error)
}

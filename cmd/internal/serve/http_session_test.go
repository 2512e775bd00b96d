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

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
	for name, ask := range map[string]func(context.Context) error{
		"elicit": func(ctx context.Context) error {
			_, err := s.MCP.RequestElicitation(ctx, mcp.ElicitationRequest{Params: mcp.ElicitationParams{
				Message: "Really?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}}}})
			return err
		},
		"sample": func(ctx context.Context) error {
			_, err := s.MCP.RequestSampling(ctx, mcp.CreateMessageRequest{})
			return err
		},
		"roots": func(ctx context.Context) error {
			_, err := s.MCP.RequestRoots(ctx, mcp.ListRootsRequest{})
			return err
		},
	} {
		s.MCP.AddTool(mcp.NewTool(name), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultErrorFromErr("asking", ask(ctx)), nil
		})
	}
	h := startHTTP(t, s, HTTP{})
	for _, header := range []map[string]string{nil, {"Mcp-Session-Id": "made-up"}, {"Mcp-Protocol-Version": "2025-11-25"}} {
		for name, want := range map[string]string{
			"ask":    server.ErrElicitationNotSupported.Error(),
			"elicit": server.ErrElicitationNotSupported.Error(),
			"sample": "session does not support sampling",
			"roots":  server.ErrRootsNotSupported.Error(),
		} {
			r, err := h.do(http.MethodPost, "/mcp", callLine(1, name), header)
			require.NoError(t, err)
			require.Equal(t, "application/json", r.header.Get("Content-Type"), name)
			require.Contains(t, r.body, want)
		}
	}
	// It is told things all the same.
	require.Contains(t, h.post("/mcp", callLine(1, "notify")).body, "notifications/fixture")
}

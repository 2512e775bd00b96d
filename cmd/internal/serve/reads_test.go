package serve

import (
	"context"
	"net/http"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

// withReader adds a tool that only reads, and waits.
func withReader(f *fixture, s *Server) *Server {
	s.MCP.AddTool(mcp.NewTool("read", mcp.WithReadOnlyHintAnnotation(true)), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return f.call(ctx, "wait", r.Params.RawArguments), nil
	})
	return s
}

// Calls that only read leave half of the places to others, however many there are.
func TestCallsThatOnlyReadLeaveRoomOverStdio(t *testing.T) {
	f := newFixture()
	s := withReader(f, f.server())
	s.MaxInFlight = 4
	client := startStdio(t, s.Stdio)
	for id := range 20 {
		client.send(callLine(id, "read"))
	}
	for range 2 {
		<-f.started
	}
	client.send(callLine(100, "echo"))
	require.Equal(t, "100", string(readAnswer(t, client.receive()).ID))
	require.Empty(t, f.started)
	close(f.gate)
	require.Len(t, receiveIDs(t, client, 20), 20)
}

func TestCallsThatOnlyReadLeaveRoomOverHTTP(t *testing.T) {
	for most, reads := range map[int]int{1: 1, 4: 2, 5: 2} {
		f := newFixture()
		s := withReader(f, f.server())
		s.MaxInFlight = most
		h, e := startEndpoints(t, s, HTTP{})
		stream := h.openSSE()
		idle := func() { // every place has been given back
			for _, places := range []inFlight{e.calls, e.reads} {
				require.NoError(t, places.Acquire(t.Context(), places.all))
				places.Release(places.all)
			}
		}
		var answered []<-chan reply
		begin := func(count int, tool string) {
			for id := range count {
				answered = append(answered, h.begin("/mcp", callLine(id, tool)))
				<-f.started
			}
		}
		refused := func(path, tool string) {
			require.Equal(t, http.StatusServiceUnavailable, h.post(path, callLine(3, tool)).status, "%d: %s", most, tool)
		}
		begin(reads, "read")
		refused("/mcp", "read")
		refused(stream.endpoint, "read")
		begin(most-reads, "wait")
		refused("/mcp", "echo")
		for range answered {
			f.gate <- struct{}{}
		}
		for _, a := range answered {
			require.Equal(t, http.StatusOK, (<-a).status)
		}
		answered = nil
		idle()
		begin(most, "wait")
		for range 2 * most { // a place that is not got is given back
			refused("/mcp", "read")
		}
		close(f.gate)
		for _, a := range answered {
			require.Equal(t, http.StatusOK, (<-a).status)
		}
		idle()
	}
}

// A handler that only waits learns that the server has to stop, while its own context lives on.
func TestAHandlerLearnsOfTheStop(t *testing.T) {
	began := make(chan struct{}, 1)
	server := func() *Server {
		return serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			stopping := Stopping(ctx)
			must(stopping.Err())
			began <- struct{}{}
			<-stopping.Done()
			return mcp.NewToolResultText("stopped"), ctx.Err()
		}, "linger")
	}
	for name, stop := range map[string]func(*stdioClient){
		"signal": func(c *stdioClient) { c.stop() },
		"input":  func(c *stdioClient) { c.in.Close() },
	} {
		client := startStdio(t, server().Stdio)
		client.send(callLine(1, "linger"))
		<-began
		stop(client)
		rest, err := client.ended()
		require.NoError(t, err, name)
		require.Equal(t, "stopped", readAnswer(t, rest).Result.Content[0].Text, name)
	}
	h := startHTTP(t, server(), HTTP{})
	stream := h.openSSE()
	answered := h.begin("/mcp", callLine(1, "linger"))
	<-began
	stream.send(callLine(2, "linger"))
	<-began
	h.stop()
	require.Contains(t, (<-answered).body, "stopped")
	require.Contains(t, stream.receive(), "stopped")
	require.NoError(t, <-h.done)
	require.Equal(t, t.Context(), Stopping(t.Context()), "nobody serves it")
}

package find

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// How many calls may wait leaves most places of a server to others.
func TestWhoMayWait(t *testing.T) {
	for calls, want := range map[int]int64{0: 100, 1: 1, 7: 1, 8: 2, 256: 64, 1024: 100} {
		f := New(Config{MaxCalls: calls})
		require.True(t, f.waits.TryAcquire(want), calls)
		require.False(t, f.waits.TryAcquire(1), calls)
	}
}

// One that may not wait looks once, and says why. Who asks for no wait, or needs none, hears nothing of it.
func TestAWaitTooManyIsNotBegun(t *testing.T) {
	t.Parallel()
	upstream := stoppedFake(t, fake.Config{})
	f := newFollower(t, upstream)
	sid := textTo(t, upstream, f.config.Client, "+15550000002")
	finder := New(Config{Client: f.config.Client, MaxCalls: 1})
	require.True(t, finder.waits.TryAcquire(1))
	ask := func(wait int) string {
		all := &tools.Tools{}
		require.NoError(t, tools.Add(all, finder.GetInteraction()))
		s := server.NewMCPServer("test", "0")
		all.Register(s)
		result, err := s.GetTool("get_interaction").Handler(t.Context(), mcp.CallToolRequest{Params: mcp.CallToolParams{
			RawArguments: fmt.Appendf(nil, `{"ServiceSid":%q,"SessionSid":%q,"InteractionSid":%q,"WaitSeconds":%d}`, fake.ServiceSid, fake.SessionSid, sid, wait),
		}})
		require.NoError(t, err)
		return fmt.Sprint(result.Content)
	}
	before := f.requests.Load()
	require.Contains(t, ask(40), "too many others")
	require.Equal(t, before+1, f.requests.Load())
	require.NotContains(t, ask(0), "too many others")
	finder.waits.Release(1)
	for range 2 { // the place is given back
		require.Contains(t, ask(1), "not final when the wait ended")
	}
}

// When the server has to stop, what is known is told at once. A look that hangs is given up, except the first.
func TestAStopEndsAWait(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"between two looks": false, "in a look": true} {
		stopping, stop := context.WithCancel(t.Context())
		upstream := stoppedFake(t, fake.Config{})
		f := newFollower(t, numbered(upstream, func(n int32, _ http.ResponseWriter, r *http.Request) bool {
			if hangs && n == 2 {
				stop()
				<-r.Context().Done()
			}
			return false
		}))
		f.config.Stopping = func(context.Context) context.Context { return stopping }
		sid := textTo(t, upstream, f.config.Client, "+15550000002")
		f.config.Client.Observe = func(twilio.Exchange) {
			if !hangs {
				stop()
			}
		}
		got := f.ask(t.Context(), sid, `,"WaitSeconds":40`)
		require.Equal(t, "sent", got.Structured["status"], name)
		require.Equal(t, false, got.Structured["final"], name)
		require.Contains(t, got.Structured["notice"], "this server stops", name)
		got = f.ask(t.Context(), sid, `,"WaitSeconds":0`)
		require.Equal(t, "sent", got.Structured["status"], name)
		require.NotContains(t, got.Structured, "notice", name)
	}
}

// Whoever asked for it hears how many pages were read.
func TestAScanTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	upstream := seeded(t, 1, `{"unique_name":"a"}`, `{"unique_name":"b"}`, `{"unique_name":"c"}`)
	b := newBench(t, upstream)
	b.config.Service = fake.ServiceSid
	for name, arguments := range map[string]string{"list_sessions": `{}`, "find_participant": `{"Session":"nobody"}`} {
		client := listening{server.NewInProcessSession("s", nil), make(chan mcp.JSONRPCNotification, 10)}
		b.callIn(b.offer().WithContext(t.Context(), client), name, arguments)
		require.Len(t, client.told, 3, name)
		for n := range 3 {
			told := (<-client.told).Params.AdditionalFields
			require.Equal(t, map[string]any{"progressToken": "token", "progress": float64(n + 1), "message": fmt.Sprintf("Pages read: %d", n+1)}, told)
		}
	}
}

//go:build unix

package e2e

import (
	"encoding/json"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// However many calls wait for a final status, a send gets its turn at once. When the server has to stop, they wait no more.
func TestCallsThatWaitHoldUpNeitherASendNorAnEnd(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*process) error{
		"signal": func(p *process) error { return p.cmd.Process.Signal(syscall.SIGTERM) },
		"input":  func(p *process) error { return p.stdin.Close() },
	} {
		u := startUpstream(t)
		u.SetClock(u.Now()) // stands still, so that nothing is ever final
		server := start(t, environment(t, append(u.env, "TWILIO_PROXY_MCP_RATE_LIMIT=0")...))
		var receipt struct{ Sid string }
		require.NoError(t, json.Unmarshal(server.send("one").Result.Structured, &receipt))
		follow := map[string]any{"name": "get_interaction", "arguments": map[string]any{
			"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "InteractionSid": receipt.Sid, "WaitSeconds": 40,
		}}
		var calls []<-chan json.RawMessage
		for range 300 { // more than run at once
			calls = append(calls, server.begin("tools/call", follow))
		}
		require.Equal(t, sent(), server.send("two").kind(), name)
		eventually(t, func() bool { // 64 wait, a quarter of the 256 that run at once
			answered := 0
			for _, call := range calls {
				answered += len(call)
			}
			return answered == len(calls)-64
		})
		require.NoError(t, stop(server))
		waited := 0
		for _, call := range calls {
			var told struct {
				Status, Notice string
				Waited         int `json:"waited_seconds"`
			}
			require.NoError(t, json.Unmarshal(server.wait(call).Result.Structured, &told))
			require.Equal(t, "sent", told.Status)
			require.Less(t, told.Waited, 30, name)
			if told.Notice != "" {
				waited++
			}
		}
		require.Equal(t, len(calls), waited, "each says why it did not wait")
		<-server.ended
		require.NoError(t, server.cmd.Wait(), server.stderr.String())
	}
}

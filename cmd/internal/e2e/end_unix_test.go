//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

// After a signal the server reads no more. It still answers the calls that it has
// read, even those that wait for their turn.
func TestASignalEndsNoCall(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	env := environment(t, append(u.env, "TWILIO_PROXY_MCP_RATE_LIMIT=1")...) // allows five sends in five seconds
	server := start(t, env)
	var calls []<-chan json.RawMessage
	for _, body := range []string{"1", "2", "3", "4", "5", "6"} {
		calls = append(calls, server.begin("tools/call", sendParams(body, nil)))
	}
	eventually(t, func() bool { return u.Accepted() == 5 })
	server.wait(server.begin("ping", nil)) // then all calls have been read
	require.NoError(t, server.cmd.Process.Signal(syscall.SIGTERM))
	for _, call := range calls {
		require.Equal(t, sent(), server.wait(call).kind())
	}
	<-server.ended
	require.NoError(t, server.cmd.Wait(), server.stderr.String())
	require.Equal(t, 6, u.Accepted())
}

// When the client closes its end of stdout, the server ends, but only after its sends.
func TestAClientThatIsGoneEndsNoSend(t *testing.T) {
	u := startUpstream(t)
	env := environment(t, u.env...)
	release := u.hold(t)
	cmd := exec.Command(binary, "stdio")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	cmd.Env, cmd.Stdout = env, write
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	require.NoError(t, write.Close())
	for id, body := range []string{"one", "two"} {
		require.NoError(t, json.NewEncoder(stdin).Encode(map[string]any{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": sendParams(body, nil)}))
	}
	eventually(t, func() bool { return u.Accepted() == 2 })
	require.NoError(t, read.Close())
	release()
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode(), "the server exits by itself; no signal kills it")
	entries := history(t, env)
	require.Len(t, entries, 2)
	for _, entry := range entries {
		require.Equal(t, ledger.Sent, entry.State)
	}
}

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// maxUnread is how much memory the answers that nobody reads may take, in MB.
const maxUnread = 64.0

// A host that does not read stdout is no longer read from, before its answers take much memory. All are there once it reads.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc, which only Linux has")
	}
	plain := withoutRace(t)
	large := sendParams("hello", nil)
	large["arguments"].(map[string]any)["MediaUrl"] = []string{"https://example.com/" + strings.Repeat("x", 1_000_000)}
	for name, line := range map[string]string{
		"lists":    rpc(1, "tools/list", nil),
		"errors":   rpc(1, "tools/call", map[string]any{"name": "send_message_interaction", "arguments": map[string]any{"a": 1, "b": 1, "c": 1}}),
		"messages": rpc(1, "tools/call", sendParams("hello", nil)),
		"pings":    rpc(1, "ping", nil),
		"large":    rpc(1, "tools/call", large), // what is sent is in the answer, twice
	} {
		if os.Getenv("TWILIO_PROXY_MCP_SOAK") == "" && name != "messages" && name != "large" {
			continue // these two take the most
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			in, toIn, err := os.Pipe()
			require.NoError(t, err)
			fromOut, out, err := os.Pipe()
			require.NoError(t, err)
			cmd := exec.Command(plain, "stdio", "--rate-limit", "0", "--log-level", "error")
			cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(t, u.env...), in, out, os.Stderr
			require.NoError(t, cmd.Start())
			require.NoError(t, errors.Join(in.Close(), out.Close()))
			t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })

			answers := bufio.NewScanner(fromOut)
			answers.Buffer(nil, 16<<20)
			_, err = toIn.WriteString(rpc(0, "tools/call", sendParams("warming up", nil)) + "\n")
			require.NoError(t, err)
			require.True(t, answers.Scan())

			before, written, rest := peak(t, cmd.Process.Pid), 0, ""
			for rest == "" {
				require.Less(t, written, 100_000, "it reads on and on")
				require.NoError(t, toIn.SetWriteDeadline(time.Now().Add(3*time.Second)))
				next := strings.Replace(line, "hello", fmt.Sprint("hello ", written), 1) + "\n"
				n, err := toIn.WriteString(next)
				written++
				if err != nil {
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					rest = next[n:]
				}
			}
			used := peak(t, cmd.Process.Pid)
			t.Logf("%.1f MB before, %.1f MB with %d unread", before, used, written)
			if name == "large" { // with 16 MiB of requests
				used -= before
			}
			require.Less(t, used, maxUnread)

			require.NoError(t, toIn.SetWriteDeadline(time.Time{}))
			go func() {
				_, _ = toIn.WriteString(rest)
				toIn.Close()
			}()
			for answers.Scan() {
				written--
			}
			require.Zero(t, written, "each is answered")
			require.NoError(t, cmd.Wait())
		})
	}
}

//go:build unix

package e2e

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// When somebody reads the log again, it says how many lines are missing.
func TestTheLogSaysHowManyLinesWereDropped(t *testing.T) {
	t.Parallel()
	const calls = 1500
	u := startUpstream(t)
	log := newUnreadLog(t, 0)
	s := startHTTPCommand(t, binary, environment(t, u.env...), log.of, "--rate-limit", "0", "--ledger", "off", "--log-format", "json")
	callMany(t, u, s.caller(), calls)
	require.Equal(t, http.StatusOK, s.get("/healthz").status)
	require.Equal(t, http.StatusOK, s.get("/readyz").status)
	dropped, err := strconv.Atoi(s.sample("twilio_proxy_mcp_log_lines_dropped_total"))
	require.NoError(t, err)
	require.Positive(t, dropped)

	require.NoError(t, log.write.Close()) // the process has its own
	lines := bufio.NewScanner(log.read)
	count := map[string]int{}
	var told int
	for told == 0 && lines.Scan() {
		var line struct {
			Msg   string
			Lines int
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		count[line.Msg]++
		told = line.Lines
	}
	require.Equal(t, dropped, told)
	require.Equal(t, calls, count["tools/call"]+dropped, count)
	require.Greater(t, count["tools/call"], 256<<10/500, "they waited")
	require.Equal(t, "sent", s.send("one more").outcome().Code)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), `"msg":"tools/call"`)
	s.signal()
	require.False(t, lines.Scan(), lines.Text())
	endWithin(t, grace, s.cmd, s.ended)
}

// What waits when a process ends is written for a reader who comes only then.
func TestTheEndOfTheLogIsWritten(t *testing.T) {
	t.Parallel()
	const calls = 500
	u := startUpstream(t)
	log := newUnreadLog(t, 4096)
	server := startCommand(t, environment(t, u.env...), log.of, "stdio", "--rate-limit", "0", "--ledger", "off")
	callMany(t, u, server.caller(), calls)
	require.NoError(t, server.stdin.Close())
	require.Equal(t, calls, strings.Count(log.all(t), "msg=tools/call"))
	endWithin(t, grace, server.cmd, server.ended)
}

// A host may stop reading before the first line, and it may share the pipe among its servers.
func TestNothingWaitsForALogWithoutRoom(t *testing.T) {
	t.Parallel()
	onEachUselessLog(t, func(t *testing.T, log *unreadLog) {
		t.Run("stdio until the end of stdin", func(t *testing.T) {
			t.Parallel()
			server := startCommand(t, environment(t), log.of, "stdio")
			require.Equal(t, "sent", server.send("hello").outcome().Code)
			require.NoError(t, server.stdin.Close())
			endWithin(t, grace, server.cmd, server.ended)
		})
		t.Run("stdio until a signal", func(t *testing.T) {
			t.Parallel()
			server := startCommand(t, environment(t), log.of, "stdio")
			require.Equal(t, "sent", server.send("hello").outcome().Code)
			require.NoError(t, server.cmd.Process.Signal(syscall.SIGTERM))
			endWithin(t, grace, server.cmd, server.ended)
		})
		t.Run("http", func(t *testing.T) {
			t.Parallel()
			s := startHTTPCommand(t, binary, environment(t), log.of)
			require.Equal(t, "sent", s.send("hello").outcome().Code)
			require.Equal(t, http.StatusOK, s.get("/healthz").status)
			require.Equal(t, http.StatusOK, s.get("/readyz").status)
			require.NotEmpty(t, s.sample("twilio_proxy_mcp_log_lines_dropped_total"))
			s.signal()
			endWithin(t, grace, s.cmd, s.ended)
		})
		t.Run("fake", func(t *testing.T) {
			t.Parallel()
			url, stop := startFakeCommandOf(t, log.of)
			require.Equal(t, 200, ask(t, "GET", url+"/v1/Services/"+fake.ServiceSid, "", nil, nil))
			stop()
		})
		for _, c := range []struct {
			arguments string
			code      int
			out       string
		}{
			{"call --backend fake send_message_interaction ServiceSid=" + fake.ServiceSid + " SessionSid=" + fake.SessionSid + " ParticipantSid=" + fake.ParticipantSid + " Body=hello", 0, `"sid": "KI`},
			{"call --backend fake send_message_interaction", 1, ""},
			{"call no_such_tool", 2, ""},
			{"history", 0, ""},
			{"history --ledger off", 2, ""},
			{"tools", 0, "send_message_interaction"},
			{"--no-such-flag", 2, ""},
			{"http --addr 192.0.2.1:0", 2, ""},
		} {
			cmd := exec.CommandContext(t.Context(), binary, strings.Fields(c.arguments)...)
			var out strings.Builder
			cmd.Env, cmd.Stdout, cmd.Stderr = environment(t), &out, log.write
			require.NoError(t, cmd.Start()) // now, so that all wait for the end of their patience at the same time
			ended := make(chan struct{})
			go func() { cmd.Wait(); close(ended) }()
			t.Run(c.arguments, func(t *testing.T) {
				t.Parallel()
				awaitEnd(t, grace, ended)
				require.Equal(t, c.code, cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
				require.Contains(t, out.String(), c.out)
			})
		}
	})
}

func onEachUselessLog(t *testing.T, test func(t *testing.T, log *unreadLog)) {
	t.Run("full", func(t *testing.T) { test(t, newUnreadLog(t, 0).fill(t)) })
	t.Run("closed", func(t *testing.T) { test(t, newUnreadLog(t, 0).closed(t)) })
}

func TestASecondSignalEndsAProcessWithAnUnreadLog(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	s := startHTTPCommand(t, binary, environment(t, u.env...), newUnreadLog(t, 0).fill(t).of)
	u.underWay(t, fake.Fault{Effect: fake.EffectHang}, func() { s.begin("hello") })
	s.signal()
	eventually(t, func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
	s.signal()
	awaitEnd(t, grace, s.ended)
	require.Equal(t, syscall.SIGTERM, s.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
}

// Some supervisors read stdout and stderr from one pipe. The line with the URL must not wait for its reader either.
func TestNothingWaitsForTheURLToBeRead(t *testing.T) {
	t.Parallel()
	client := http.Client{Timeout: grace} // a listener without a server accepts, too
	onEachUselessLog(t, func(t *testing.T, log *unreadLog) {
		for command, path := range map[string]string{"http": "/healthz", "fake": "/"} {
			t.Run(command, func(t *testing.T) {
				t.Parallel()
				address := freeAddress(t)
				cmd := exec.CommandContext(t.Context(), binary, command, "--addr", address)
				cmd.Env, cmd.Stdout, cmd.Stderr = environment(t), log.write, log.write
				require.NoError(t, cmd.Start())
				ended := make(chan struct{})
				go func() { cmd.Wait(); close(ended) }()
				eventually(t, func() bool {
					response, err := client.Get("http://" + address + path)
					if err == nil {
						response.Body.Close()
					}
					return err == nil && response.StatusCode == http.StatusOK
				})
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
				endWithin(t, grace, cmd, ended)
			})
		}
	})
}

// freeAddress is where nobody listened a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

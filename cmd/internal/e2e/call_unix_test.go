//go:build unix

package e2e

import (
	"database/sql"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// callOf are the arguments of the command that sends this body.
func callOf(body string) []string {
	return []string{"call", "send_message_interaction", "ServiceSid=" + fake.ServiceSid, "SessionSid=" + fake.SessionSid, "ParticipantSid=" + fake.ParticipantSid, "Body=" + body}
}

// A brokenOutput is something that takes nothing of what a process writes to it.
type brokenOutput struct {
	name string
	file func(t *testing.T) *os.File // nil: the descriptor is closed
}

var brokenOutputs = []brokenOutput{
	{"no reader", func(t *testing.T) *os.File { return newUnreadLog(t, 0).closed(t).write }},
	{"closed", nil},
	{"full", func(t *testing.T) *os.File {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if os.IsNotExist(err) {
			t.Skip("this system has no /dev/full")
		}
		require.NoError(t, err)
		t.Cleanup(func() { full.Close() })
		return full
	}},
}

// runWith runs the binary with this stdout. Its stderr is the same file if broken is set, and otherwise returned.
func (o brokenOutput) runWith(t *testing.T, env []string, broken bool, arguments ...string) (stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, arguments...)
	var out strings.Builder
	cmd.Stderr = &out
	if o.file != nil {
		file := o.file(t)
		if cmd.Stdout = file; broken {
			cmd.Stderr = file
		}
	} else {
		closing := `exec "$0" "$@" >&-`
		if broken {
			closing += " 2>&-"
		}
		cmd = exec.CommandContext(t.Context(), "sh", append([]string{"-c", closing, binary}, arguments...)...)
		cmd.Stderr = &out
	}
	cmd.Env = env
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	require.True(t, cmd.ProcessState.Exited(), "%v: %s", arguments, cmd.ProcessState)
	return out.String(), cmd.ProcessState.ExitCode()
}

// A script that goes by the status would send a message again that failed only to be printed.
func TestTheOutcomeOfACallDecidesItsStatus(t *testing.T) {
	t.Parallel()
	for _, output := range brokenOutputs {
		t.Run(output.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			env := environment(t, u.env...)
			said, code := output.runWith(t, env, false, callOf("hello")...)
			require.Zero(t, code, said)
			entries := history(t, env)
			require.Len(t, entries, 1)
			require.Contains(t, said, "The message was sent, and its interaction could not be printed: ")
			require.Contains(t, said, " Its SID is "+entries[0].Sid+". Its ledger_id is "+entries[0].ID.String()+". Do not send it again.\n")
			require.NotContains(t, said, "hello")

			said, code = output.runWith(t, env, false, callOf("hello")...)
			require.Zero(t, code, said)
			require.Contains(t, said, "This message already went out")
			require.Contains(t, said, entries[0].Sid)
			_, code = output.runWith(t, env, true, callOf("hello and goodbye")...)
			require.Zero(t, code)
			require.Equal(t, 2, u.Accepted())

			for _, broken := range []bool{false, true} {
				u.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 400})
				_, code = output.runWith(t, env, broken, callOf("refused")...)
				require.Equal(t, 1, code)
				_, code = output.runWith(t, env, broken, "call", "no_such_tool")
				require.Equal(t, 2, code)
			}
			require.Equal(t, 2, u.Accepted())
		})
	}
}

// What only prints has failed when it could not. It ends by itself, and says why.
func TestWhatCannotBePrintedIsAnError(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	env := environment(t, u.env...)
	_, errOut, code := run(t, env, "", callOf("hello")...)
	require.Zero(t, code, errOut)
	for _, output := range brokenOutputs {
		if output.file == nil { // the runtime puts the null device there, which takes all
			continue
		}
		for _, arguments := range []string{"tools", "tools --json", "history", "history --json", "--version", "--help", "call --help"} {
			said, code := output.runWith(t, env, false, strings.Fields(arguments)...)
			require.Equal(t, 1, code, "%s: %s", arguments, said)
			require.Contains(t, said, "twilio-proxy-mcp: write ", arguments)
			_, code = output.runWith(t, env, true, strings.Fields(arguments)...)
			require.Equal(t, 1, code, arguments)
		}
	}
}

// A resolution is recorded whether or not that can be printed.
func TestWhatWasResolvedDecidesTheStatus(t *testing.T) {
	t.Parallel()
	for _, output := range brokenOutputs {
		t.Run(output.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			env := environment(t, u.env...)
			for _, broken := range []bool{false, true} {
				u.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 500})
				_, errOut, code := run(t, env, "", callOf("hello")...)
				require.Equal(t, 1, code, errOut)
				id := history(t, env)[0].ID.String()
				said, code := output.runWith(t, env, broken, "history", "resolve", id, "not_sent")
				require.Zero(t, code, said)
				require.Equal(t, ledger.NotSent, history(t, env)[0].State)
				if !broken {
					require.Contains(t, said, "Entry "+id+" of ")
					require.Contains(t, said, " is now not_sent.\n")
				}
			}
		})
	}
}

// The connection is lost while the entry is being changed. Nobody may be told that it was not.
func TestALostAnswerOfTheLedgerIsNoResolution(t *testing.T) {
	t.Parallel()
	dsn := postgres.Schema(t)
	u := startUpstream(t)
	env := environment(t, append(u.env, place(dsn).env())...)
	u.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 500})
	_, errOut, code := run(t, env, "", callOf("hello")...)
	require.Equal(t, 1, code, errOut)
	place(dsn).age(t, 2*ledger.SessionGrace)
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER hang_up AFTER UPDATE ON twilio_proxy_mcp_sends DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang_up()`)
	require.NoError(t, err)
	id := history(t, env)[0].ID.String()
	_, errOut, code = run(t, env, "", "history", "resolve", id, "sent")
	require.Equal(t, 1, code, errOut)
	require.Contains(t, errOut, "it is not known whether entry "+id+" was changed")
}

// startCall runs `call` with this body until its message is at the upstream, which does not answer before release.
func (u *upstream) startCall(t *testing.T, env []string) (cmd *exec.Cmd, out, errOut *lockedBuffer, release func()) {
	t.Helper()
	catchable()
	release = u.hold(t)
	before := u.Accepted()
	cmd = exec.Command(binary, callOf("hello")...)
	out, errOut = &lockedBuffer{}, &lockedBuffer{}
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, errOut
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	eventually(t, func() bool { return u.Accepted() == before+1 })
	return cmd, out, errOut, release
}

func TestASignalDoesNotKeepACallFromItsOutcome(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			env := environment(t, u.env...)
			cmd, out, errOut, release := u.startCall(t, env)
			require.NoError(t, cmd.Process.Signal(signal))
			eventually(t, func() bool {
				return strings.Contains(errOut.String(), "The outcome of one that has is awaited, for at most 45s. A second Ctrl-C ends this at once")
			})
			release()
			require.NoError(t, cmd.Wait(), errOut.String())
			require.Contains(t, out.String(), `"sid": "KI`)
			require.Equal(t, ledger.Sent, history(t, env)[0].State)
		})
	}
}

// The second signal is a kill, and so is SIGQUIT. The message is looked for, and not sent twice.
func TestASecondInterruptEndsACall(t *testing.T) {
	t.Parallel()
	for _, last := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(last.String(), func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			env := environment(t, u.env...)
			cmd, out, errOut, release := u.startCall(t, env)
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
			eventually(t, func() bool { return strings.Contains(errOut.String(), "Stopping.") })
			require.NoError(t, cmd.Process.Signal(last))
			require.Error(t, cmd.Wait())
			if last == syscall.SIGINT {
				require.Equal(t, last, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
			} else {
				require.Equal(t, 2, cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
			}
			require.Empty(t, out.String())
			require.NotContains(t, errOut.String(), "hello")
			release()
			again, said, code := run(t, env, "", callOf("hello")...)
			require.Zero(t, code, said)
			require.Contains(t, said, "the message was found")
			require.Contains(t, again, `"sid": "KI`)
			require.Equal(t, 1, u.Accepted())
		})
	}
}

// A message whose request has no connection yet has not left.
func TestAnInterruptKeepsBackAMessage(t *testing.T) {
	t.Parallel()
	catchable()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	errOut := &lockedBuffer{}
	cmd := exec.Command(binary, callOf("hello")...)
	cmd.Env, cmd.Stderr = environment(t, "TWILIO_PROXY_BASE_URL=https://"+listener.Addr().String(), "TWILIO_ACCOUNT_SID="+fake.AccountSid, "TWILIO_AUTH_TOKEN=x"), errOut
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	conn, err := listener.Accept() // and no TLS handshake
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
	require.Contains(t, errOut.String(), "Nothing was sent.")
	require.Equal(t, ledger.NotSent, history(t, cmd.Env)[0].State)
}

// Somebody types the arguments, and thinks better of it.
func TestAnInterruptBeforeTheCallSendsNothing(t *testing.T) {
	t.Parallel()
	catchable()
	u := startUpstream(t)
	cmd := exec.Command(binary, "call", "send_message_interaction", "-")
	errOut := &lockedBuffer{}
	cmd.Env, cmd.Stderr = environment(t, u.env...), errOut
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	_, err = io.WriteString(stdin, "{"+strings.Repeat(" ", 512<<10)) // more than a pipe holds, so the process is reading
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	awaitEnd(t, grace, ended)
	require.Equal(t, 1, cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
	require.Contains(t, errOut.String(), "twilio-proxy-mcp: stopped by a signal before the tool was called: nothing was sent\n")
	require.Empty(t, u.Requests())
}

// What goes to stderr does not wait for stdout, and must not stand among the entries.
func TestHistoryNamesTheLedgerAfterItsEntries(t *testing.T) {
	u, p := startUpstream(t), sqlitePlace(t)
	env := environment(t, append(u.env, p.env())...)
	_, errOut, code := run(t, env, "", callOf("hello")...)
	require.Zero(t, code, errOut)
	for _, form := range [][]string{{"history"}, {"history", "--json"}} {
		cmd := exec.CommandContext(t.Context(), binary, form...)
		cmd.Env = env
		both, err := cmd.CombinedOutput()
		require.NoError(t, err, string(both))
		lines := strings.Split(strings.TrimSpace(string(both)), "\n")
		require.Equal(t, "Ledger: "+string(p), lines[len(lines)-1], string(both))
	}
}

//go:build unix

package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// The owner of a claim is the process that made it. A suspended owner is still
// alive: another server neither sends the message nor takes the claim. When the
// owner wakes up, it finishes its send.
func TestAStoppedOwnerKeepsItsClaim(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, p place) {
		t.Parallel()
		u := startGatedUpstream(t)
		env := environment(t, append(u.env, p.env())...)
		owner := start(t, env)
		u.gate.shut()
		first := owner.begin("tools/call", sendParams("hello", nil))
		<-u.gate.came
		owner.signal(syscall.SIGSTOP)
		u.gate.open()

		impatient := start(t, append(env, "TWILIO_PROXY_MCP_DEADLINE=10s"))
		got := impatient.send("hello")
		require.Equal(t, unknown(), got.kind(), got.text())
		require.Contains(t, got.text(), "being sent by another call")
		require.Equal(t, ledger.Claimed, history(t, env)[0].State)
		_, errOut, code := run(t, env, "", "history", "resolve", history(t, env)[0].ID.String(), "not_sent")
		require.NotZero(t, code)
		require.Contains(t, errOut, "still running")
		require.Zero(t, u.Accepted())

		owner.signal(syscall.SIGCONT)
		require.Equal(t, sent(), owner.wait(first).kind())
		require.Equal(t, replayed(), impatient.send("hello").kind())
		require.Equal(t, 1, u.Accepted())
		owner.stop()
		impatient.stop()
	})
}

// While the owner is suspended, PostgreSQL ends its session, so it seems to be dead.
// Another server then sends the message. When the owner wakes up, it must not send.
func TestAnOwnerTakenForDeadSendsNothing(t *testing.T) {
	t.Parallel()
	p := place(postgres.Schema(t))
	u := startGatedUpstream(t)
	env := environment(t, append(u.env, p.env())...)
	owner := start(t, env)
	u.gate.shut()
	first := owner.begin("tools/call", sendParams("hello", nil))
	<-u.gate.came
	owner.signal(syscall.SIGSTOP)
	p.endSessions(t)

	other := start(t, env)
	u.gate.open()
	got := other.send("hello")
	require.Equal(t, unknown(), got.kind(), "the owner seems to be dead")
	_, errOut, code := run(t, env, "", "history", "resolve", history(t, env)[0].ID.String(), "not_sent")
	require.NotZero(t, code)
	require.Contains(t, errOut, "for all that is known", "the owner may be sending")
	p.age(t, time.Minute)
	_, errOut, code = run(t, env, "", "history", "resolve", history(t, env)[0].ID.String(), "not_sent")
	require.Zero(t, code, errOut)
	require.Equal(t, sent(), other.send("hello").kind())

	owner.signal(syscall.SIGCONT)
	late := owner.wait(first)
	require.Equal(t, "no", late.outcome().Sent, late.text())
	require.Equal(t, 1, u.Accepted())
	require.Equal(t, replayed(), owner.send("hello").kind())
	other.stop()
	owner.stop()
}

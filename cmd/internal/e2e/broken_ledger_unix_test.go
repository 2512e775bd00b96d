//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// If a send cannot be recorded, nothing is sent, and the result says why.
func TestALedgerThatCannotBeUsedSendsNothing(t *testing.T) {
	t.Parallel()
	var held *lock
	var wire *ledgertest.Wire
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T, p place) place
		says  string
		mend  func() // where the ledger can work again: then the same call is sent
	}{
		{"read-only", func(t *testing.T, p place) place {
			require.NoError(t, os.Chmod(filepath.Dir(string(p)), 0o555))
			require.NoError(t, os.Chmod(string(p), 0o444))
			return p
		}, "cannot be written", nil},
		{"damaged", func(t *testing.T, p place) place {
			require.NoError(t, os.WriteFile(string(p), []byte(strings.Repeat("not a database ", 1000)), 0o600))
			return p
		}, "is damaged", nil},
		{"locked for long", func(t *testing.T, p place) place { held = p.lock(t); return p }, "is in use by other processes", func() { held.release() }},
		{"full", fillDisk, "is full", nil},
		{"PostgreSQL gone", func(t *testing.T, p place) place {
			wire = ledgertest.NewWire(t, postgres.Schema(t))
			wire.Cut()
			return place(wire.DSN)
		}, "cannot be reached", func() { wire.Mend() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := place(filepath.Join(openTempDir(t), "ledger.db"))
			p.prepare(t)
			require.NoError(t, os.Chmod(string(p), 0o600))
			p = tc.spoil(t, p)
			u := startUpstream(t)
			server := startAs(t, tc.name == "read-only", environment(t, append(u.env, p.env())...))
			got := server.send("hello")
			require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
			require.Contains(t, got.text(), tc.says, server.stderr.String())
			require.Contains(t, got.text(), "Nothing was sent.")
			require.True(t, got.Result.IsError)
			require.Zero(t, u.Accepted())
			if tc.mend != nil {
				tc.mend()
				require.Equal(t, sent(), server.send("hello").kind())
				require.Equal(t, 1, u.Accepted())
			}
			server.stop() // its log is complete now
			require.Contains(t, server.stderr.String(), "the ledger cannot be used")
			require.NotContains(t, server.stderr.String(), "hello")
		})
	}
}

// openTempDir makes a directory that other users can enter.
func openTempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "ledger")
	require.NoError(t, err)
	t.Cleanup(func() { os.Chmod(dir, 0o755); os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// startAs starts the server. With unprivileged, it never runs as root, for whom file permissions do not count.
func startAs(t *testing.T, unprivileged bool, env []string) *process {
	if !unprivileged || os.Getuid() != 0 {
		return start(t, env)
	}
	return startCommand(t, env, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
}

// The ledger fails after the message went out. The answer is the receipt, with a
// warning. Once the ledger works again, it records the send.
func TestASentMessageThatCannotBeRecordedIsAReceipt(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, p place, spoil, mend func()) {
		u := startUpstream(t)
		server := start(t, environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_DEADLINE=20s")...))
		require.Equal(t, sent(), server.send("the first, which opens the ledger").kind())
		release := u.hold(t)
		answer := server.begin("tools/call", sendParams("hello", nil))
		eventually(t, func() bool { return u.Accepted() == 2 })
		spoil()
		release()
		got := server.wait(answer)
		require.Equal(t, sent(), got.kind(), got.text())
		require.False(t, got.Result.IsError)
		require.Contains(t, got.text(), "Warning: the message was sent")
		require.Contains(t, string(got.Result.Structured), `"sid":"KI`)
		mend()
		require.Equal(t, replayed(), server.send("hello").kind())
		require.Equal(t, 2, u.Accepted())
		server.stop()
	}
	t.Run("SQLite locked", func(t *testing.T) {
		t.Parallel()
		p := sqlitePlace(t)
		var held *lock
		send(t, p, func() { held = p.lock(t) }, func() { held.release() })
	})
	t.Run("PostgreSQL gone", func(t *testing.T) {
		t.Parallel()
		wire := ledgertest.NewWire(t, postgres.Schema(t))
		send(t, place(wire.DSN), wire.Cut, wire.Mend)
	})
}

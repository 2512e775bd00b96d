//go:build unix

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// catchable makes the processes that tests start begin with the default handling of these signals. What a process ignores, the
// processes that it starts ignore, too, and the tests themselves may run under nohup. It is for good: a test that ended it would
// end it for those that run at the same time.
var catchable = sync.OnceFunc(func() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
})

// A terminal that closes may send SIGHUP more than once: the kernel and the shell do.
func TestAHangUpEndsNoCall(t *testing.T) {
	t.Parallel()
	catchable()
	t.Run("stdio", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		release := u.hold(t)
		server := start(t, environment(t, u.env...))
		answer := server.begin("tools/call", sendParams("hello", nil))
		eventually(t, func() bool { return u.Accepted() == 1 })
		for range 3 {
			require.NoError(t, server.cmd.Process.Signal(syscall.SIGHUP))
		}
		release()
		require.Equal(t, sent(), server.wait(answer).kind())
		<-server.ended
		require.NoError(t, server.cmd.Wait(), server.stderr.String())
	})
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		release := u.hold(t)
		s := startHTTP(t, environment(t, u.env...))
		answer := s.begin("hello")
		eventually(t, func() bool { return u.Accepted() == 1 })
		require.NoError(t, s.cmd.Process.Signal(syscall.SIGHUP))
		eventually(t, func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
		require.NoError(t, s.cmd.Process.Signal(syscall.SIGHUP))
		s.signal() // after a SIGHUP this is the first that counts
		require.Equal(t, http.StatusOK, s.get("/healthz").status)
		release()
		require.Contains(t, (<-answer).body, `"sent":"yes"`)
		endWithin(t, grace, s.cmd, s.ended)
	})
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		var cmd *exec.Cmd
		startFakeCommandOf(t, func(c *exec.Cmd) { cmd = c })
		require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
		require.NoError(t, cmd.Wait())
	})
}

// SIGHUP is ignored under nohup, and SIGINT by what a script starts in the background.
func TestASignalThatWasIgnoredAtTheStartStaysIgnored(t *testing.T) {
	t.Parallel()
	catchable()
	nohup, err := exec.LookPath("nohup")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		command []string
		signal  syscall.Signal
	}{
		"nohup":       {[]string{nohup}, syscall.SIGHUP},
		"SIGHUP":      {[]string{"/bin/sh", "-c", `trap "" HUP; exec "$0" "$@"`}, syscall.SIGHUP},
		"SIGINT":      {[]string{"/bin/sh", "-c", `trap "" INT; exec "$0" "$@"`}, syscall.SIGINT},
		"not SIGTERM": {[]string{"/bin/sh", "-c", `trap "" TERM; exec "$0" "$@"`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startCommand(t, environment(t), func(cmd *exec.Cmd) {
				cmd.Path, cmd.Args = c.command[0], append(c.command, cmd.Args...)
			}, "stdio")
			require.Equal(t, "sent", server.send("before").outcome().Code)
			if c.signal != 0 {
				for _, body := range []string{"one", "two", "three"} {
					require.NoError(t, server.cmd.Process.Signal(c.signal))
					require.Equal(t, "sent", server.send(body).outcome().Code)
				}
			}
			require.NoError(t, server.cmd.Process.Signal(syscall.SIGTERM))
			<-server.ended
			require.NoError(t, server.cmd.Wait(), server.stderr.String())
		})
	}
}

package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/ptytest"
)

// on makes the terminal the one that controls the command, and all of its standard files.
func on(cmd *exec.Cmd, terminal *os.File) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// The window is closed in mid-send: the process has neither a reader nor a terminal any more.
func TestATerminalThatClosesEndsNoSend(t *testing.T) {
	t.Parallel()
	catchable()
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		release := u.hold(t)
		screen, terminal := ptytest.Open(t, 80)
		cmd := exec.Command(binary, "http", "--addr", "127.0.0.1:0")
		cmd.Env = environment(t, u.env...)
		on(cmd, terminal)
		require.NoError(t, cmd.Start())
		s := &site{t: t, cmd: cmd, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}, ended: make(chan struct{})}
		t.Cleanup(func() { cmd.Process.Kill(); <-s.ended; s.client.CloseIdleConnections() })
		go func() { cmd.Wait(); close(s.ended) }()
		require.NoError(t, terminal.Close())
		for lines := bufio.NewReader(screen); s.url == ""; {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if url, is := strings.CutSuffix(strings.TrimSpace(line), "/mcp"); is && strings.HasPrefix(url, "http://") {
				s.url = url
			}
		}
		answer := s.begin("hello")
		eventually(t, func() bool { return u.Accepted() == 1 })
		require.NoError(t, screen.Close())
		eventually(t, func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
		release()
		require.Contains(t, (<-answer).body, `"sent":"yes"`)
		endWithin(t, grace, cmd, s.ended)
	})
	t.Run("call", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		release := u.hold(t)
		screen, terminal := ptytest.Open(t, 80)
		cmd := exec.Command(binary, callOf("hello")...)
		cmd.Env = environment(t, u.env...)
		on(cmd, terminal)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill() })
		require.NoError(t, terminal.Close())
		eventually(t, func() bool { return u.Accepted() == 1 })
		require.NoError(t, screen.Close())
		release()
		require.NoError(t, cmd.Wait(), "the outcome gives the status")
		require.Equal(t, "sent", string(history(t, cmd.Env)[0].State))
	})
}

// The terminal shows that a call is under way, until it has ended. Ctrl-C on it is heard, and breaks no line.
func TestATerminalShowsACallUnderWay(t *testing.T) {
	t.Parallel()
	catchable()
	u := startUpstream(t)
	release := u.hold(t)
	screen, terminal := ptytest.Open(t, 80)
	shows := ptytest.Watch(screen)
	cmd := exec.Command(binary, callOf("hello")...)
	cmd.Env = environment(t, append(u.env, "TERM=xterm")...)
	on(cmd, terminal)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	require.NoError(t, terminal.Close())
	shown := func(words string) func() bool {
		return func() bool { return strings.Contains(shows.Shown(), words) }
	}
	eventually(t, shown("Waiting for send_message_interaction"))
	_, err := screen.WriteString("\x03")
	require.NoError(t, err)
	eventually(t, shown("Stopping. A message that has not left yet is not sent."))
	eventually(t, func() bool {
		lines := strings.Split(shows.Shown(), "\n")
		return strings.Contains(lines[len(lines)-1], "Waiting for send_message_interaction")
	})
	release()
	require.NoError(t, cmd.Wait(), "the outcome gives the status")
	shows.Wait()
	require.True(t, strings.HasPrefix(shows.Shown(), "Stopping. "), shows.Shown())
	require.NotContains(t, shows.Shown(), "Waiting")
	require.NotContains(t, shows.Shown(), "^C")
	require.Contains(t, shows.Shown(), "\nsid                       KI")
	require.NotContains(t, shows.Output(), "\x1b")
}

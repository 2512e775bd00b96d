package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal. When screen closes, the terminal hangs up.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

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
		screen, terminal := openTerminal(t)
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
		screen, terminal := openTerminal(t)
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

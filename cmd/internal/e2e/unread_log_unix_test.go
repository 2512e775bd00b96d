//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An unreadLog is a pipe that a process has as its standard error. Nobody reads it until the test does.
type unreadLog struct{ read, write *os.File }

// newUnreadLog makes a pipe of this size in bytes; 0 leaves the system's.
func newUnreadLog(t *testing.T, size int) *unreadLog {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { read.Close(); write.Close() })
	if size > 0 {
		resizePipe(t, write, size)
	}
	return &unreadLog{read, write}
}

func (l *unreadLog) of(cmd *exec.Cmd) { cmd.Stderr = l.write }

// fill leaves no room in the pipe, so that the process's first line does not fit.
func (l *unreadLog) fill(t *testing.T) *unreadLog {
	t.Helper()
	raw, err := l.write.SyscallConn()
	require.NoError(t, err)
	for size := 4096; size > 0; {
		require.NoError(t, raw.Write(func(fd uintptr) bool { // Go's pipes do not block
			_, err = syscall.Write(int(fd), []byte(strings.Repeat("\n", size)))
			return true
		}))
		if err != nil {
			require.ErrorIs(t, err, syscall.EAGAIN)
			size /= 2
		}
	}
	return l
}

// closed has nobody any more who could read it.
func (l *unreadLog) closed(t *testing.T) *unreadLog {
	t.Helper()
	require.NoError(t, l.read.Close())
	return l
}

// all reads to the end, which comes when the process is gone.
func (l *unreadLog) all(t *testing.T) string {
	t.Helper()
	require.NoError(t, l.write.Close())
	all, err := io.ReadAll(l.read)
	require.NoError(t, err)
	return string(all)
}

// A caller calls the tool with this body.
type caller func(body string) (answer, error)

func (p *process) caller() caller {
	return func(body string) (answer, error) {
		return p.await(p.begin("tools/call", sendParams(body, nil)))
	}
}

func (s *site) caller() caller {
	return func(body string) (a answer, err error) {
		r, err := s.ask("POST", "/mcp", strings.NewReader(rpc(1, "tools/call", sendParams(body, nil))))
		if err != nil {
			return a, err
		}
		return a, json.Unmarshal([]byte(r.body), &a)
	}
}

// callMany makes calls, 64 at a time. Each must get the receipt of its own message.
func callMany(t *testing.T, u *upstream, call caller, count int) {
	t.Helper()
	var mu sync.Mutex
	sids := map[string]bool{}
	var begun, failed atomic.Int64
	inParallel(64, func() bool {
		n := begun.Add(1)
		if n > int64(count) || failed.Load() > 0 {
			return false
		}
		sid, err := callOne(call, fmt.Sprint("message ", n))
		if err != nil {
			failed.Add(1)
			t.Errorf("message %d: %v", n, err)
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		sids[sid] = true
		return true
	})
	require.Zero(t, failed.Load())
	require.Len(t, sids, count)
	require.Equal(t, count, u.Accepted())
	for body, times := range u.messages(t) {
		require.Equal(t, 1, times, body)
	}
}

func callOne(call caller, body string) (sid string, err error) {
	a, err := call(body)
	if err != nil {
		return "", err
	}
	var receipt struct{ Sid, Data string }
	if a.outcome().Code != "sent" || json.Unmarshal(a.Result.Structured, &receipt) != nil || receipt.Data != `{"body":"`+body+`"}` {
		return "", errors.New("was answered with " + a.text())
	}
	return receipt.Sid, nil
}

// awaitEnd waits for a process that was asked to end.
func awaitEnd(t *testing.T, grace time.Duration, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(grace):
		t.Fatal("the process outlives its grace period")
	}
}

// endWithin is awaitEnd of a process that must exit with status 0.
func endWithin(t *testing.T, grace time.Duration, cmd *exec.Cmd, ended <-chan struct{}) {
	t.Helper()
	awaitEnd(t, grace, ended)
	if cmd.ProcessState == nil {
		cmd.Wait()
	}
	require.Zero(t, cmd.ProcessState.ExitCode(), cmd.ProcessState.String())
}

const grace = 20 * time.Second

// manyCalls is how many calls are made. The log of a few hundred fits into a pipe and what waits for it.
func manyCalls() int {
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		return 5000
	}
	return 1500
}

// Some hosts never read a server's log.
func TestNoCallWaitsForALogThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		size  int
		flags []string
	}{
		{"text", 0, nil},
		{"JSON on a small pipe", 4096, []string{"--log-format", "json", "--log-level", "debug"}},
	} {
		flags := append([]string{"--rate-limit", "0", "--ledger", "off", "--deadline", grace.String()}, c.flags...)
		t.Run("stdio, "+c.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			server := startCommand(t, environment(t, u.env...), newUnreadLog(t, c.size).of, append([]string{"stdio"}, flags...)...)
			callMany(t, u, server.caller(), manyCalls())
			require.NoError(t, server.cmd.Process.Signal(syscall.SIGTERM))
			endWithin(t, grace, server.cmd, server.ended)
		})
		t.Run("HTTP, "+c.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			log := newUnreadLog(t, c.size)
			s := startHTTPCommand(t, binary, environment(t, u.env...), log.of, flags...)
			callMany(t, u, s.caller(), manyCalls())
			s.signal()
			endWithin(t, grace, s.cmd, s.ended)
		})
	}
}

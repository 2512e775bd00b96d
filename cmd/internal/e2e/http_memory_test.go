package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// maxGrowth is how much resident memory many hostile clients may cost, in MB.
const maxGrowth = 40.0

// The memory of the binary must not grow much, whatever many clients do. The binary
// is built without the race detector, which needs memory itself.
func TestMemoryStaysFlat(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read from /proc, which only Linux has")
	}
	plain := withoutRace(t)
	for name, crowd := range map[string]func(*testing.T, *upstream, *site){
		"20 MB bodies":                 largeBodies,
		"2,000 idle event streams":     idleStreams,
		"20,000 initialize":            endlessInitialize,
		"a stream that nobody reads":   unreadStream,
		"1,000 slow headers or bodies": slowRequests,
		"300 clients that vanish":      vanishingClients,
		"20 streams that nobody reads": unreadStreams,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			s := startHTTPOf(t, plain, environment(t, u.env...), "--ledger", "off", "--rate-limit", "0", "--log-level", "error")
			for n := range 100 { // after that, one-time allocations are done
				s.send(fmt.Sprintf("warming up %d", n))
			}
			before := s.resident()
			crowd(t, u, s)
			after := s.resident() // the crowd's connections are still open
			t.Logf("%.1f MB before, %.1f MB after", before, after)
			require.Less(t, after-before, maxGrowth, "%.1f MB before, %.1f MB after", before, after)
			require.Equal(t, "sent", s.send("still here").outcome().Code)
		})
	}
}

// withoutRace returns the path of the binary built without the race detector.
func withoutRace(t *testing.T) string {
	t.Helper()
	if len(raceFlag) == 0 {
		return binary
	}
	plain := filepath.Join(t.TempDir(), "twilio-proxy-mcp")
	out, err := exec.Command("go", "build", "-o", plain, "twilio-proxy-mcp/cmd/twilio-proxy-mcp").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return plain
}

// resident is the process's memory in MB.
func (s *site) resident() float64 {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(s.t, found)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(s.t, err)
	return float64(kilobytes) / 1024
}

// dial opens a connection that stays open for the test and writes text to it.
func (s *site) dial(text string) *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(s.t, err)
	return conn.(*net.TCPConn)
}

// dialSSE opens an event stream and reads only its first event. It returns the path
// from that event, to which messages are posted.
func (s *site) dialSSE(buffer int) string {
	s.t.Helper()
	conn := s.dial("")
	require.NoError(s.t, conn.SetReadBuffer(buffer))
	_, err := io.WriteString(conn, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(s.t, err)
	var read []byte
	for !strings.Contains(string(read), "sessionId=") || !strings.HasSuffix(string(read), "\n") {
		more := make([]byte, 512)
		n, err := conn.Read(more)
		require.NoError(s.t, err)
		read = append(read, more[:n]...)
	}
	return "/" + regexp.MustCompile(`message\?sessionId=\S+`).FindString(string(read))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func largeBodies(t *testing.T, u *upstream, s *site) {
	for range 20 {
		response, err := s.client.Post(s.url+"/mcp", "application/json", io.LimitReader(zeros{}, 20<<20))
		if err == nil { // the server may hang up while the rest is still being sent
			require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			response.Body.Close()
		}
	}
}

func idleStreams(t *testing.T, u *upstream, s *site) {
	for range 2_000 {
		s.dialSSE(4096)
	}
}

func endlessInitialize(t *testing.T, u *upstream, s *site) {
	hello := rpc(1, "initialize", map[string]any{"protocolVersion": legacy, "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "c", "version": "1"}})
	var begun, welcomed atomic.Int64
	inParallel(16, func() bool {
		if begun.Add(1) > 20_000 {
			return false
		}
		r, err := s.ask(http.MethodPost, "/mcp", strings.NewReader(hello))
		if err == nil && r.status == http.StatusOK {
			welcomed.Add(1)
		}
		return true
	})
	require.EqualValues(t, 20_000, welcomed.Load())
}

// When too many answers wait for the client, further calls are refused before
// anything is sent. Only accepted calls send a message.
func unreadStream(t *testing.T, u *upstream, s *site) {
	endpoint := s.dialSSE(4096)
	before := u.Accepted()
	var begun, taken, refused, ended, other atomic.Int64
	long := strings.Repeat("x", 1500)
	inParallel(8, func() bool {
		n := begun.Add(1)
		if n > 20_000 || refused.Load() > 500 {
			return false
		}
		r, err := s.ask(http.MethodPost, endpoint, strings.NewReader(rpc(int(n), "tools/call", sendParams(fmt.Sprint(n, long), nil))))
		switch {
		case err == nil && r.status == http.StatusAccepted:
			taken.Add(1)
		case err == nil && r.status == http.StatusServiceUnavailable && strings.Contains(r.body, "nothing was done"):
			refused.Add(1)
		case err == nil && r.status == http.StatusNotFound && refused.Load() > 0: // the stream was ended, because nobody read it
			ended.Add(1)
			return false
		default:
			other.Add(1)
		}
		return true
	})
	require.Zero(t, other.Load())
	if ended.Load() == 0 {
		require.Greater(t, refused.Load(), int64(500), "calls are not limited")
		eventually(t, func() bool { return int64(u.Accepted()-before) >= taken.Load() }) // accepted calls may start later
	}
	eventually(t, func() bool { return s.sample("twilio_proxy_mcp_calls_in_flight") == "0" })
	require.LessOrEqual(t, int64(u.Accepted()-before), taken.Load())
	t.Logf("%d calls taken, %d refused", taken.Load(), refused.Load())
}

// unreadStreams requests lists on each stream until a request is refused.
func unreadStreams(t *testing.T, u *upstream, s *site) {
	for range 20 {
		endpoint := s.dialSSE(4096)
		status := http.StatusAccepted
		for n := 0; n < 2_000 && status == http.StatusAccepted; n++ {
			r, err := s.ask(http.MethodPost, endpoint, strings.NewReader(rpc(n, "tools/list", nil)))
			require.NoError(t, err)
			status = r.status
		}
		require.NotEqual(t, http.StatusAccepted, status)
	}
}

// vanishingClients hang up during their calls. Each message is still sent.
func vanishingClients(t *testing.T, u *upstream, s *site) {
	before, release := u.Accepted(), u.hold(t)
	var conns []net.Conn
	for n := range 300 {
		body := rpc(n, "tools/call", sendParams(fmt.Sprint("vanishing ", n), nil))
		conns = append(conns, s.dial(fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)))
	}
	eventually(t, func() bool { return u.Accepted() == before+300 })
	for _, conn := range conns {
		conn.Close()
	}
	release()
	eventually(t, func() bool { return s.sample("twilio_proxy_mcp_calls_in_flight") == "0" })
	require.Equal(t, before+300, u.Accepted())
}

// slowRequests sends only the beginning of each request.
func slowRequests(t *testing.T, u *upstream, s *site) {
	first := s.dial("POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
	for range 500 {
		s.dial("POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		s.dial("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n{")
	}
	t.Cleanup(func() {
		require.NoError(t, first.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err := io.ReadAll(first)
		require.NoError(t, err, "the server must give up waiting for the rest of a header")
	})
}

// inParallel runs work in that many goroutines until it returns false.
func inParallel(workers int, work func() bool) {
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() {
			for work() {
			}
		})
	}
	busy.Wait()
}

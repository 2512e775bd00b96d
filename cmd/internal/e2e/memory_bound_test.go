package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxPeak is the most resident memory that messages of any shape may take, in MB.
const maxPeak = 150.0

// A sender is a client of one transport.
type sender struct {
	pid  int
	many func(t *testing.T, s shape, count int) // returns when all are sent and answered or refused; every other one is modern
	ping func() error                           // while many may be under way
	ends func(t *testing.T)                     // a message goes out as ever
}

// Whatever the shape of what comes in, memory is bounded, and others are answered meanwhile.
func TestMemoryIsBoundedWhateverComesIn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc, which only Linux has")
	}
	t.Parallel()
	plain, some := withoutRace(t), shapes[:1]
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		some = shapes
	}
	for name, start := range map[string]func(*testing.T, string) sender{"stdio": stdioSender, "http": httpSender, "sse": sseSender} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, plain)
			for _, shape := range some {
				for _, count := range []int{2, 64} { // 2: one of each era
					resetPeak(t, s.pid)
					pinged := make(chan error, 1)
					go func() { pinged <- s.ping() }()
					s.many(t, shape, count)
					require.NoError(t, <-pinged, shape.name)
					used := peak(t, s.pid)
					t.Logf("%6.1f MB for %d: %s", used, count, shape.name)
					require.Less(t, used, maxPeak, "%d at once: %s", count, shape.name)
				}
			}
			s.ends(t)
		})
	}
}

// peak is the most memory of the process since resetPeak, in MB.
func peak(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return float64(kilobytes) / 1024
}

func resetPeak(t *testing.T, pid int) {
	t.Helper()
	require.NoError(t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0))
}

func stdioSender(t *testing.T, plain string) sender {
	u := startUpstream(t)
	p := startCommand(t, environment(t, u.env...), func(cmd *exec.Cmd) { cmd.Path = plain }, "stdio", "--log-level", "error")
	ping := func() error {
		_, err := p.await(p.begin("ping", map[string]any{}))
		return err
	}
	return sender{
		pid: p.cmd.Process.Pid,
		many: func(t *testing.T, s shape, count int) {
			eras := [2]string{s.message(false) + "\n", s.message(true) + "\n"}
			var answers []<-chan json.RawMessage
			for i := range count {
				p.mu.Lock()
				p.next++
				if s.isAnswered() {
					answered := make(chan json.RawMessage, 1)
					p.waiting[p.next] = answered
					answers = append(answers, answered)
				}
				_, err := p.stdin.Write([]byte(strings.Replace(eras[i%2], idOfShape, strconv.Itoa(p.next), 1)))
				p.mu.Unlock()
				require.NoError(t, err, "%s: %s", s.name, p.stderr.String())
			}
			for _, answered := range answers {
				p.wait(answered)
			}
			require.NoError(t, ping(), s.name)
		},
		ping: ping,
		ends: func(t *testing.T) { require.Equal(t, "sent", p.send("still here").outcome().Code); p.stop() },
	}
}

func httpSender(t *testing.T, plain string) sender {
	u := startUpstream(t)
	s := startHTTPOf(t, plain, environment(t, u.env...), "--log-level", "error")
	return sender{
		pid: s.cmd.Process.Pid,
		many: func(t *testing.T, shape shape, count int) {
			s.postMany(t, "/mcp", shape, count)
		},
		ping: func() error {
			r, err := s.ask(http.MethodPost, "/mcp", strings.NewReader(rpc(1, "ping", nil)))
			if err == nil && r.status != http.StatusOK {
				err = fmt.Errorf("%d %s", r.status, r.body)
			}
			return err
		},
		ends: func(t *testing.T) { require.Equal(t, "sent", s.send("still here").outcome().Code); s.stop() },
	}
}

// postMany posts a shape that many times at once. A 503 is for what has no room.
func (s *site) postMany(t *testing.T, path string, of shape, count int) {
	eras, callers := [2]string{of.message(false), of.message(true)}, [2]*site{s, s.as("Mcp-Protocol-Version", modern).as("Mcp-Method", of.method)}
	if of.method == "tools/call" {
		callers[1] = callers[1].as("Mcp-Name", "send_message_interaction")
	}
	var busy sync.WaitGroup
	for i := range count {
		busy.Go(func() {
			r, err := callers[i%2].ask(http.MethodPost, path, strings.NewReader(eras[i%2]))
			switch {
			case err != nil: // a server that has refused may hang up while the rest is still being sent
				if !strings.Contains(err.Error(), "connection reset") && !strings.Contains(err.Error(), "broken pipe") {
					t.Errorf("%s: %v", of.name, err)
				}
			case r.status != 200 && r.status != 202 && r.status != 400 && r.status != 404 && r.status != 503:
				t.Errorf("%s: %d %s", of.name, r.status, r.body)
			}
		})
	}
	busy.Wait()
}

func sseSender(t *testing.T, plain string) sender {
	u := startUpstream(t)
	s := startHTTPOf(t, plain, environment(t, u.env...), "--log-level", "error")
	stream := s.openSSE()
	var mu sync.Mutex
	asked, waiting := 0, map[string]chan struct{}{}
	go func() {
		for data := stream.receive(); data != ""; data = stream.receive() {
			var answer struct{ ID any }
			_ = json.Unmarshal([]byte(data), &answer)
			id, _ := answer.ID.(string)
			mu.Lock()
			if answered := waiting[id]; answered != nil {
				close(answered)
				delete(waiting, id)
			}
			mu.Unlock()
		}
	}()
	ask := func(method, name string) error { // and wait for the answer
		answered := make(chan struct{})
		mu.Lock()
		asked++
		id := fmt.Sprint("ask ", asked)
		waiting[id] = answered
		mu.Unlock()
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"method":%q,"params":{"name":%q}}`, id, method, name)
		r, err := s.ask(http.MethodPost, stream.endpoint, strings.NewReader(line))
		if err != nil || r.status != http.StatusAccepted {
			return fmt.Errorf("%d %s %w", r.status, r.body, err)
		}
		<-answered
		return nil
	}
	return sender{
		pid: s.cmd.Process.Pid,
		many: func(t *testing.T, shape shape, count int) {
			s.postMany(t, stream.endpoint, shape, count)
			require.NoError(t, ask("tools/call", "send_message_interaction"), shape.name)
			eventually(t, func() bool { return s.sample("twilio_proxy_mcp_calls_in_flight") == "0" })
		},
		ping: func() error { return ask("ping", "") },
		ends: func(t *testing.T) { require.Equal(t, "sent", s.send("still here").outcome().Code); s.stop() },
	}
}

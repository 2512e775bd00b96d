package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// binary is the command under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "twilio-proxy-mcp")
	build := exec.Command("go", append([]string{"build", "-o", binary}, append(raceFlag, "twilio-proxy-mcp/cmd/twilio-proxy-mcp")...)...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// environment is this process's without anything of Twilio's or of ours, with
// a state directory of the test's own and then the given variables.
func environment(t testing.TB, variables ...string) []string {
	var clean []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TWILIO_") && !strings.HasPrefix(v, "XDG_STATE_HOME=") {
			clean = append(clean, v)
		}
	}
	clean = append(clean, "XDG_STATE_HOME="+t.TempDir())
	return append(clean, variables...)
}

// startFake serves the fake on loopback and returns it with the variables that
// point the binary's live backend at it.
func startFake(t testing.TB) (*fake.Fake, []string) {
	f := fake.New(fake.Config{})
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		f.Close() // ends hanging answers, for which the server would wait
		server.CloseClientConnections()
		server.Close()
	})
	return f, []string{"TWILIO_PROXY_BASE_URL=" + server.URL, "TWILIO_ACCOUNT_SID=" + fake.AccountSid, "TWILIO_AUTH_TOKEN=fake"}
}

// A process is the binary over stdio. Answers are handed to whoever asked.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *lockedBuffer

	mu      sync.Mutex
	next    int
	waiting map[int]chan json.RawMessage
	ended   chan struct{} // closed when stdout is
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs the binary with these arguments and this environment.
func start(t testing.TB, env []string, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, arguments...), stderr: &lockedBuffer{}, waiting: map[int]chan json.RawMessage{}, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = env, p.stderr
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdin = stdin
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	go p.read(stdout)
	return p
}

func (p *process) read(stdout io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var answer struct{ ID int }
		if json.Unmarshal(lines.Bytes(), &answer) != nil {
			continue
		}
		p.mu.Lock()
		waiting := p.waiting[answer.ID]
		delete(p.waiting, answer.ID)
		p.mu.Unlock()
		if waiting != nil {
			waiting <- json.RawMessage(strings.Clone(lines.Text()))
		}
	}
}

// begin sends a request and returns the channel on which its answer comes.
func (p *process) begin(method string, params any) <-chan json.RawMessage {
	p.mu.Lock()
	p.next++
	id, answer := p.next, make(chan json.RawMessage, 1)
	p.waiting[id] = answer
	p.mu.Unlock()
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	require.NoError(p.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.stdin.Write(append(line, '\n'))
	require.NoError(p.t, err)
	return answer
}

// An answer is a tools/call result as a client reads it.
type answer struct {
	Error  *struct{ Message string }
	Result struct {
		IsError bool
		Content []struct{ Type, Text string }
		Meta    struct {
			Outcome outcome `json:"twilio-proxy-mcp/outcome"`
		} `json:"_meta"`
		Structured json.RawMessage `json:"structuredContent"`
	}
}

type outcome struct {
	Code, Sent, Backend string
	Replayed            bool
	Reconciled          bool
	LedgerID            int64 `json:"ledger_id"`
}

func (a answer) outcome() outcome { return a.Result.Meta.Outcome }

func (a answer) text() string {
	var all []string
	for _, c := range a.Result.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

// wait reads the answer, or fails after a minute: the bound of a hang, not a
// measure.
func (p *process) wait(answers <-chan json.RawMessage) answer {
	p.t.Helper()
	var a answer
	select {
	case raw := <-answers:
		require.NoError(p.t, json.Unmarshal(raw, &a), string(raw))
	case <-p.ended:
		select {
		case raw := <-answers:
			require.NoError(p.t, json.Unmarshal(raw, &a), string(raw))
		default:
			require.FailNow(p.t, "the server ended without an answer", p.stderr.String())
		}
	case <-time.After(time.Minute):
		require.FailNow(p.t, "no answer", p.stderr.String())
	}
	return a
}

// send calls the tool with this body, to the participant that the fake knows.
func (p *process) send(body string) answer {
	p.t.Helper()
	return p.wait(p.begin("tools/call", sendParams(body, nil)))
}

func sendParams(body string, meta map[string]any) map[string]any {
	params := map[string]any{"name": "send_message_interaction", "arguments": arguments(body)}
	if meta != nil {
		params["_meta"] = meta
	}
	return params
}

func arguments(body string) map[string]any {
	return map[string]any{"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid, "Body": body}
}

// stop closes stdin and waits for the end, which must be a clean one.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.stdin.Close())
	<-p.ended
	require.NoError(p.t, p.cmd.Wait(), p.stderr.String())
}

// kill ends the process as a crash does.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGKILL))
	<-p.ended
	p.cmd.Wait()
}

// run runs the binary to its end and returns what it printed and its status.
func run(t testing.TB, env []string, stdin string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, arguments...)
	var out, errOut strings.Builder
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, strings.NewReader(stdin), &out, &errOut
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); !exited {
		require.NoError(t, err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

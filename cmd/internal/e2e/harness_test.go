package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// binary is the command under test, built once.
var binary string

// postgres is a PostgreSQL server for ledgers.
var postgres *ledgertest.Postgres

func TestMain(m *testing.M) {
	atOnce := "6" // most of them wait for processes and deadlines; -parallel overrides it
	if len(raceFlag) > 0 {
		atOnce = "3"
	}
	flag.Set("test.parallel", atOnce)
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // one test runs the binary as another user
	binary = filepath.Join(dir, "twilio-proxy-mcp")
	build := exec.Command("go", append([]string{"build", "-o", binary}, append(raceFlag, "twilio-proxy-mcp/cmd/twilio-proxy-mcp")...)...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	postgres = ledgertest.Start()
	defer postgres.Stop()
	return m.Run()
}

// lookAtSource keeps go test from reusing cached results after the source changed.
// The cache only watches files that the test process itself opens or stats, and
// the compiler is another process.
var lookAtSource = sync.OnceFunc(func() {
	filepath.WalkDir("../../..", func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		os.Stat(path)
		return nil
	})
})

// environment returns this process's environment without variables of Twilio or of
// this program, with the test's own state directory, and with the given variables.
func environment(t testing.TB, variables ...string) []string {
	lookAtSource()
	var clean []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TWILIO_") && !strings.HasPrefix(v, "XDG_STATE_HOME=") {
			clean = append(clean, v)
		}
	}
	clean = append(clean, "XDG_STATE_HOME="+t.TempDir())
	return append(clean, variables...)
}

// A process is a running binary that serves stdio.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *lockedBuffer

	mu      sync.Mutex
	next    int
	waiting map[int]chan json.RawMessage
	said    chan string   // the first line of stdout that is not a message
	ended   chan struct{} // closed at the end of stdout
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
	return startCommand(t, env, func(*exec.Cmd) {}, arguments...)
}

// startCommand is start. The test can change the command first.
func startCommand(t testing.TB, env []string, change func(*exec.Cmd), arguments ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, arguments...), stderr: &lockedBuffer{}, waiting: map[int]chan json.RawMessage{}, said: make(chan string, 1), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = env, p.stderr
	change(p.cmd)
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
			select {
			case p.said <- lines.Text():
			default:
			}
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

// begin sends a request and returns the channel for its answer.
func (p *process) begin(method string, params any) <-chan json.RawMessage {
	p.mu.Lock()
	p.next++
	id, answer := p.next, make(chan json.RawMessage, 1)
	p.waiting[id] = answer
	p.mu.Unlock()
	p.write(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	return answer
}

// notify sends a notification, which has no answer.
func (p *process) notify(method string, params any) {
	p.write(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (p *process) write(message any) {
	line, err := json.Marshal(message)
	require.NoError(p.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.stdin.Write(append(line, '\n'))
	require.NoError(p.t, err)
}

// wait returns the answer, or fails the test.
func (p *process) wait(answers <-chan json.RawMessage) answer {
	p.t.Helper()
	a, err := p.await(answers)
	require.NoError(p.t, err, p.stderr.String())
	return a
}

var errNoAnswer = errors.New("no answer")

// await is wait for other goroutines than the test's. It gives up after a minute,
// so that a hang ends.
func (p *process) await(answers <-chan json.RawMessage) (a answer, err error) {
	select {
	case raw := <-answers:
		return a, json.Unmarshal(raw, &a)
	case <-p.ended:
		select {
		case raw := <-answers:
			return a, json.Unmarshal(raw, &a)
		default:
			return a, errors.New("the server ended without an answer")
		}
	case <-time.After(time.Minute):
		return a, errNoAnswer
	}
}

// send calls the tool with this body and the SIDs that the fake knows.
func (p *process) send(body string) answer {
	p.t.Helper()
	return p.wait(p.begin("tools/call", sendParams(body, nil)))
}

// stop closes stdin and waits until the process ends, which must be with status 0.
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

// run runs the binary until it exits. It returns the output and the status.
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

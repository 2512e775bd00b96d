package main

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"twilio-proxy-mcp/cmd/bench/post"
)

// process is a running program. Every server, the floor and the stub have a process of their own, so that CPU time
// and memory can be told apart.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	log tail
}

// start runs a program. It gets this process's environment without the product's variables.
func (b *bench) start(env []string, argv ...string) *process {
	p := &process{cmd: exec.CommandContext(b.ctx, argv[0], argv[1:]...)}
	ours := func(variable string) bool { return strings.HasPrefix(variable, "TWILIO_") }
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), ours), env...)
	p.cmd.Stderr = &p.log
	p.in = get(p.cmd.StdinPipe())
	p.out = bufio.NewReaderSize(get(p.cmd.StdoutPipe()), 1<<17)
	must(p.cmd.Start())
	b.processes = append(b.processes, p)
	return p
}

// stop ends the process. A server over stdio ends with its stdin, any other is killed after a second. A second call
// does nothing.
func (p *process) stop() {
	p.in.Close()
	timer := time.AfterFunc(time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait() // a killed process is no error here
}

func (b *bench) stopAll() {
	for _, p := range b.processes {
		p.stop()
	}
}

// must ends the benchmark if there is an error, and shows what the process has logged.
func (p *process) must(err error) {
	if err != nil {
		must(fmt.Errorf("%s: %w\n%s", filepath.Base(p.cmd.Path), err, &p.log))
	}
}

// line reads the next line of the process's stdout.
func (p *process) line() string {
	line, err := p.out.ReadString('\n')
	p.must(err)
	return strings.TrimSpace(line)
}

// tail keeps the end of what was last written to it. The product's log goes through a pipe, as under an MCP host.
type tail struct{ last atomic.Value }

func (t *tail) Write(b []byte) (int, error) {
	t.last.Store(string(b[max(0, len(b)-2000):]))
	return len(b), nil
}

func (t *tail) String() string {
	last, _ := t.last.Load().(string)
	return last
}

// build compiles the product as the README says, but without cgo, and the programs that it is compared with.
func (b *bench) build() {
	const module = "twilio-proxy-mcp/cmd/"
	command := exec.CommandContext(b.ctx, "go", "build", "-o", b.dir+string(filepath.Separator),
		module+"twilio-proxy-mcp", module+"bench/canned", module+"bench/mcpgo")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	runCommand(command)
}

func runCommand(command *exec.Cmd) {
	if out, err := command.CombinedOutput(); err != nil {
		must(fmt.Errorf("%v: %w\n%s", command.Args, err, out))
	}
}

// program is the path of a program that build has compiled.
func (b *bench) program(name string) string { return filepath.Join(b.dir, name) }

// startPart starts one of the parts in parts.go.
func (b *bench) startPart(args ...string) *process {
	return b.start(nil, append([]string{get(os.Executable())}, args...)...)
}

// ask sends a question to a part and waits for the answer.
func (p *process) ask(question, answer any) {
	p.must(json.NewEncoder(p.in).Encode(question))
	p.must(json.Unmarshal([]byte(p.line()), answer))
}

// floor makes its calls in a process of its own.
type floor struct{ *process }

func (f floor) run(l load) (s sample, err error) {
	f.ask(l, &s)
	return s, nil
}

// stub is the stand-in for Twilio.
type stub struct {
	*process
	addresses
	caFile string // has the certificate of the HTTPS address
	delay  time.Duration
}

func (b *bench) startStub() {
	b.stub.caFile = filepath.Join(b.dir, "ca.pem")
	b.stub.process = b.startPart("stub", b.stub.caFile)
	b.stub.must(json.Unmarshal([]byte(b.stub.line()), &b.stub.addresses))
}

// setDelay sets how long the stub takes to answer a message. It returns what has reached the stub so far.
func (s *stub) setDelay(delay time.Duration) (c counts) {
	s.delay = delay
	s.ask(delay, &c)
	return c
}

// during counts what reaches the stub while f runs.
func (s *stub) during(f func()) counts {
	before := s.setDelay(s.delay)
	f()
	after := s.setDelay(s.delay)
	return counts{after.Posts - before.Posts, after.Others - before.Others, after.Connections - before.Connections}
}

// The benchmark starts its own program again for two of its parts, the floor and the stub. Each reads JSON values from
// stdin and writes an answer to each, until stdin ends.
func answer[Q, A any](in io.Reader, out io.Writer, reply func(Q) A) {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question Q
		err := questions.Decode(&question)
		if err == io.EOF {
			return
		}
		must(err)
		must(answers.Encode(reply(question)))
	}
}

// runFloor is the plain net/http client. It posts messages to the stub without MCP; every other figure is divided by
// the figure of this client.
func runFloor(baseURL string, in io.Reader, out io.Writer) {
	client := post.New(baseURL, 1024)
	answer(in, out, func(l load) sample {
		return get(closedLoop(l, func(_, number int) error {
			_, err := client.Send("message " + strconv.Itoa(number))
			return err
		}))
	})
}

// addresses are the first line of the stub.
type addresses struct{ HTTP, HTTPS string }

// counts are what has reached the stub since it was started.
type counts struct{ Posts, Others, Connections int64 }

// runStub stands in for Twilio. Each question sets the delay of its answers, and is answered with the counts. The
// certificate of the HTTPS address is written to caFile.
func runStub(caFile string, in io.Reader, out io.Writer) {
	u := &upstream{}
	plain, secure := httptest.NewUnstartedServer(u), httptest.NewUnstartedServer(u)
	plain.Config.ConnState, secure.Config.ConnState = u.connection, u.connection
	plain.Start()
	secure.StartTLS()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	must(os.WriteFile(caFile, certificate, 0o600))
	must(json.NewEncoder(out).Encode(addresses{HTTP: plain.URL, HTTPS: secure.URL}))
	answer(in, out, func(delay time.Duration) counts {
		u.delay.Store(int64(delay))
		return counts{u.posts.Load(), u.others.Load(), u.connections.Load()}
	})
}

type upstream struct{ delay, posts, others, connections atomic.Int64 }

func (u *upstream) connection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		u.connections.Add(1)
	}
}

// example is the answer in Twilio's documentation of the operation. As at Twilio, each answer has another SID.
const example = `{"service_sid":"` + post.ServiceSid + `","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"` + post.ParticipantSid + `","inbound_participant_sid":null,"inbound_resource_sid":null,"inbound_resource_status":null,"inbound_resource_type":null,"inbound_resource_url":null,"outbound_participant_sid":"` + post.ParticipantSid + `","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","outbound_resource_type":"Message","outbound_resource_url":null,"sid":"KI@","type":"message","url":"https://proxy.twilio.com` + post.Path + `/KI@","account_sid":"` + post.AccountSid + `","session_sid":"` + post.SessionSid + `"}`

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a lost message shows in the counts
	if r.Method != http.MethodPost || r.URL.Path != post.Path {
		u.others.Add(1)
		http.NotFound(w, r)
		return
	}
	number := u.posts.Add(1)
	time.Sleep(time.Duration(u.delay.Load()))
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, strings.ReplaceAll(example, "@", fmt.Sprintf("%032x", number)))
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A process is one part of the benchmark: each runs apart from the others, so
// that its CPU time and memory are its own.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	log *tail
}

// start runs a program with this process's environment, without what belongs
// to the product, and then the given variables.
func start(env []string, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), log: &tail{}}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TWILIO_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.log
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<17)
	return p, p.cmd.Start()
}

// line reads the next line of the process's stdout, without its end.
func (p *process) line() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s said nothing more: %w\n%s", p.cmd.Path, err, p.log)
	}
	return strings.TrimSpace(line), nil
}

// stop closes stdin, which ends whatever serves it, and kills what is still
// there after a second.
func (p *process) stop() {
	p.in.Close()
	timer := time.AfterFunc(time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait() // how it ended tells nothing: servers over HTTP are killed
}

// kill is for servers that stdin does not end.
func (p *process) kill() {
	p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// cpu is the processor time that the process has used so far.
func (p *process) cpu() (time.Duration, error) { return processCPU(p.cmd.Process.Pid) }

// rss is the process's resident memory in bytes.
func (p *process) rss() (int64, error) { return processRSS(p.cmd.Process.Pid) }

// tail keeps the end of a log for an error message. The log itself is written
// to a pipe and read, as a host of MCP servers does.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if extra := len(t.last) - 2000; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}

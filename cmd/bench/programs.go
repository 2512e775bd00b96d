package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"twilio-proxy-mcp/cmd/bench/measure"
)

// programs are the benchmark's parts, built for this run.
type programs struct {
	dir                                 string // everything the run writes is in here
	product, stub, floor, canned, mcpgo string
}

// build compiles the product as the README says it is installed, without cgo, and the parts beside it.
func build(dir string) (*programs, error) {
	const module = "twilio-proxy-mcp/cmd/"
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, name := range []string{"twilio-proxy-mcp", "bench/stub", "bench/floor", "bench/canned", "bench/mcpgo"} {
		args = append(args, module+name)
	}
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	return &programs{dir, at("twilio-proxy-mcp"), at("stub"), at("floor"), at("canned"), at("mcpgo")}, nil
}

// upstream is the stub, in a process of its own.
type upstream struct {
	*process
	measure.Addresses
	caFile string // with the certificate of the HTTPS address
}

func (p *programs) startStub() (*upstream, error) {
	u := &upstream{caFile: filepath.Join(p.dir, "ca.pem")}
	var err error
	if u.process, err = start(nil, p.stub, u.caFile); err != nil {
		return nil, err
	}
	first, err := u.line()
	if err != nil {
		return nil, err
	}
	return u, json.Unmarshal([]byte(first), &u.Addresses)
}

// delay sets how long the stub takes for an answer.
func (u *upstream) delay(d time.Duration) error {
	_, err := u.ask(d.String())
	return err
}

// counts are what has reached the stub so far.
func (u *upstream) counts() (measure.Counts, error) { return u.ask("") }

func (u *upstream) ask(line string) (counts measure.Counts, err error) {
	if _, err := fmt.Fprintln(u.in, line); err != nil {
		return counts, err
	}
	answer, err := u.line()
	if err != nil {
		return counts, err
	}
	return counts, json.Unmarshal([]byte(answer), &counts)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"twilio-proxy-mcp/cmd/bench/drive"
	"twilio-proxy-mcp/cmd/bench/measure"
	"twilio-proxy-mcp/cmd/bench/post"
)

// A subject is one thing that is measured: a running process and the client
// that puts loads on it.
type subject struct {
	name   string
	ledger string // what remembers its sends: off, SQLite, PostgreSQL; "" for those that have no ledger
	*process
	client client
	onlyAt int // calls in flight of the only loads it takes part in; 0 is all
}

// client puts a load on its subject.
type client interface {
	Run(measure.Load) (measure.Sample, error)
}

// Names of subjects, which goals and charts refer to.
const (
	floorName     = "plain net/http client"
	stdioName     = "stdio"
	httpName      = "HTTP 2025-11-25"
	modernName    = "HTTP 2026-07-28"
	sseName       = "SSE"
	mcpgoName     = "mcp-go stdio, 100 workers"
	mcpgoSlowName = "mcp-go stdio as it comes"
	mcpgoHTTPName = "mcp-go HTTP, stateless"
	twilioName    = "@twilio-alpha/mcp 0.7.0, stdio"
	sdkName       = "TypeScript SDK, stdio"
)

// bench is one run: its programs, the stub, and the numbers given to calls.
type bench struct {
	*programs
	stub     *upstream
	postgres string // DSN, or ""
	next     int    // the next call's number
}

// environment are the product's settings: the rate limit is lifted, all else is
// as it comes.
func (b *bench) environment(ledger string, baseURL string) []string {
	return []string{
		"TWILIO_PROXY_BASE_URL=" + baseURL, "SSL_CERT_FILE=" + b.stub.caFile,
		"TWILIO_ACCOUNT_SID=" + post.AccountSid, "TWILIO_AUTH_TOKEN=" + post.Token,
		"TWILIO_PROXY_MCP_RATE_LIMIT=0", "TWILIO_PROXY_MCP_LEDGER=" + ledger,
	}
}

// ledgerAt gives the product's setting for one kind of ledger. A SQLite file is
// a new one each time.
func (b *bench) ledgerAt(kind string) string {
	switch kind {
	case "SQLite":
		b.next++
		return filepath.Join(b.dir, fmt.Sprintf("ledger-%d.db", b.next))
	case "PostgreSQL":
		return b.postgres
	}
	return "off"
}

func (b *bench) startFloor() (*subject, error) {
	p, err := start(nil, b.floor, b.stub.HTTP)
	if err != nil {
		return nil, err
	}
	return &subject{name: floorName, process: p, client: &remoteLoop{json.NewEncoder(p.in), json.NewDecoder(p.out)}}, nil
}

// remoteLoop has a process make the calls itself.
type remoteLoop struct {
	loads   *json.Encoder
	samples *json.Decoder
}

// Run makes the calls of a load.
func (r *remoteLoop) Run(load measure.Load) (sample measure.Sample, err error) {
	if err = r.loads.Encode(load); err == nil {
		err = r.samples.Decode(&sample)
	}
	return sample, err
}

// startStdio starts the product on stdio, posting to baseURL.
func (b *bench) startStdio(ledger, baseURL string) (*subject, error) {
	p, err := start(b.environment(b.ledgerAt(ledger), baseURL), b.product, "stdio")
	return openLines(stdioName, ledger, p, err)
}

func (b *bench) startMCPGo(workers int) (*subject, error) {
	p, err := start(nil, b.mcpgo, "-upstream", b.stub.HTTP, "-workers", fmt.Sprint(workers))
	if workers > 0 {
		return openLines(mcpgoName, "", p, err)
	}
	s, err := openLines(mcpgoSlowName, "", p, err)
	if err == nil {
		s.onlyAt = 64 // five workers: the other loads would show the same, and take minutes
	}
	return s, err
}

func openLines(name, ledger string, p *process, err error) (*subject, error) {
	if err != nil {
		return nil, err
	}
	lines := &drive.Lines{Request: drive.Call, In: p.in, Out: p.out}
	if err := lines.Open(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, p.log)
	}
	return &subject{name: name, ledger: ledger, process: p, client: lines}, nil
}

// errNoHTTP: the product was built without its http subcommand.
var errNoHTTP = errors.New("this build has no http subcommand")

// startHTTP starts the product on HTTP and returns its base URL.
func (b *bench) startHTTP(ledger, baseURL string) (*process, string, error) {
	p, err := start(b.environment(b.ledgerAt(ledger), baseURL), b.product, "http", "--addr", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	first, err := p.line()
	if err != nil {
		p.kill()
		if strings.Contains(p.log.String(), "unexpected argument") {
			err = errNoHTTP
		}
		return nil, "", err
	}
	return p, strings.TrimSuffix(first, "/mcp"), nil
}

// startTransports starts one product on HTTP, with the clients of its three
// transports as three subjects.
func (b *bench) startTransports(ledger string) ([]*subject, error) {
	p, base, err := b.startHTTP(ledger, b.stub.HTTP)
	if err != nil {
		return nil, err
	}
	sse, err := drive.OpenSSE(base + "/sse")
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("%w\n%s", err, p.log)
	}
	return []*subject{
		{name: httpName, ledger: ledger, process: p, client: drive.NewHTTP(base+"/mcp", false)},
		{name: modernName, ledger: ledger, process: p, client: drive.NewHTTP(base+"/mcp", true)},
		{name: sseName, ledger: ledger, process: p, client: sse},
	}, nil
}

func (b *bench) startMCPGoHTTP() (*subject, error) {
	p, err := start(nil, b.mcpgo, "-upstream", b.stub.HTTP, "-http")
	if err != nil {
		return nil, err
	}
	endpoint, err := p.line()
	if err != nil {
		return nil, err
	}
	return &subject{name: mcpgoHTTPName, process: p, client: drive.NewHTTP(endpoint, false)}, nil
}

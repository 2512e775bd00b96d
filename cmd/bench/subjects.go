package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"twilio-proxy-mcp/cmd/bench/post"
)

// Names of the subjects. Goals and the chart refer to them.
const (
	floorName     = "plain net/http client"
	cannedName    = "Go process with canned answers"
	stdioName     = "stdio"
	httpName      = "HTTP 2025-11-25"
	modernName    = "HTTP 2026-07-28"
	sseName       = "SSE"
	mcpgoName     = "mcp-go stdio, 100 workers"
	mcpgoHTTPName = "mcp-go HTTP, stateless"
	twilioName    = "@twilio-alpha/mcp 0.7.0, stdio"
	sdkName       = "TypeScript SDK, stdio"
)

// launch is how a server is started.
type launch struct {
	name    string
	ledger  string // of the product: off, SQLite or PostgreSQL; "" for the servers that have none
	env     []string
	argv    []string
	request request // what a call over stdio sends
}

// subject is a running process that is measured, and the client that puts loads on it.
type subject struct {
	launch
	*process
	client
	lines *lines // the client of a server over stdio
}

// runs puts a load on the subject.
func (s *subject) runs(l load) sample {
	took, err := s.client.run(l)
	s.must(err)
	return took
}

// product is how the product is started. The rate limit is lifted, all other settings have their defaults. A ledger on
// SQLite is a new file.
func (b *bench) product(ledger, baseURL string, command ...string) launch {
	setting := map[string]string{
		"off": "off", "PostgreSQL": b.postgres,
		"SQLite": filepath.Join(b.dir, fmt.Sprintf("ledger-%d.db", b.numbers(1))),
	}[ledger]
	return launch{stdioName, ledger, []string{
		"TWILIO_PROXY_BASE_URL=" + baseURL, "SSL_CERT_FILE=" + b.stub.caFile,
		"TWILIO_ACCOUNT_SID=" + post.AccountSid, "TWILIO_AUTH_TOKEN=" + post.Token,
		"TWILIO_PROXY_MCP_RATE_LIMIT=0", "TWILIO_PROXY_MCP_LEDGER=" + setting,
	}, append([]string{b.program("twilio-proxy-mcp")}, command...), callTool}
}

func (b *bench) stdio(ledger string) launch { return b.product(ledger, b.stub.HTTP, "stdio") }

// mcpgo is how mcp-go's own server is started. Zero workers mean mcp-go's default.
func (b *bench) mcpgo(name string, workers int) launch {
	return launch{name, "", nil, []string{b.program("mcpgo"), "-upstream", b.stub.HTTP, "-workers", fmt.Sprint(workers)}, callTool}
}

// open starts a server over stdio and begins a session.
func (b *bench) open(l launch) *subject {
	p := b.start(l.env, l.argv...)
	client := &lines{request: l.request, in: p.in, out: p.out}
	p.must(client.open())
	return &subject{l, p, client, client}
}

// openHTTP starts the product on HTTP. Its three transports are three subjects.
func (b *bench) openHTTP(ledger string) []*subject {
	l := b.product(ledger, b.stub.HTTP, "http", "--addr", "127.0.0.1:0")
	p := b.start(l.env, l.argv...)
	endpoint := p.line()
	events := openSSE(strings.TrimSuffix(endpoint, "/mcp") + "/sse")
	return []*subject{
		{launch: launch{name: httpName, ledger: ledger}, process: p, client: newStreamable(endpoint, false)},
		{launch: launch{name: modernName, ledger: ledger}, process: p, client: newStreamable(endpoint, true)},
		{launch: launch{name: sseName, ledger: ledger}, process: p, client: events},
	}
}

// openAll starts every server that has rows in the table of loads.
func (b *bench) openAll() []*subject {
	all := []*subject{b.open(b.stdio("off")), b.open(b.stdio("SQLite"))}
	if b.postgres == "" {
		b.missing = append(b.missing, "PostgreSQL: no -postgres URL was given")
	} else {
		all = append(all, b.open(b.stdio("PostgreSQL")))
	}
	for _, ledger := range b.ledgersOverHTTP {
		all = append(all, b.openHTTP(ledger)...)
	}
	p := b.start(nil, b.program("mcpgo"), "-upstream", b.stub.HTTP, "-http")
	all = append(all, b.open(b.mcpgo(mcpgoName, 100)),
		&subject{launch: launch{name: mcpgoHTTPName}, process: p, client: newStreamable(p.line(), false)})
	if b.npm == nil {
		b.missing = append(b.missing, "npm peers: -peers was not given")
	}
	for _, l := range b.npm {
		all = append(all, b.open(l))
	}
	return all
}

//go:embed peers/sdk.mjs
var sdkServer []byte

// installPeers installs the npm peers in the benchmark's directory. Twilio's server has no setting for the API's address,
// so the address is changed in its copy of the API's description.
func (b *bench) installPeers() {
	dir := filepath.Join(b.dir, "npm")
	must(os.MkdirAll(dir, 0o755))
	runCommand(exec.CommandContext(b.ctx, "npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", dir,
		"@twilio-alpha/mcp@0.7.0", "@modelcontextprotocol/sdk@^1", "zod@^3.25"))
	sdk, twilio := filepath.Join(dir, "sdk.mjs"), filepath.Join(dir, "node_modules", "@twilio-alpha", "mcp")
	must(os.WriteFile(sdk, sdkServer, 0o644))
	description := filepath.Join(twilio, "twilio-oai", "spec", "yaml", "twilio_proxy_v1.yaml")
	text := strings.ReplaceAll(string(get(os.ReadFile(description))), "https://proxy.twilio.com", b.stub.HTTP)
	must(os.WriteFile(description, []byte(text), 0o644))
	credentials := post.AccountSid + "/" + strings.Replace(post.AccountSid, "AC", "SK", 1) + ":" + post.Token
	twilioCall := strings.Replace(string(callTool), "send_message_interaction", "TwilioProxyV1--CreateMessageInteraction", 1)
	b.npm = []launch{
		{twilioName, "", nil, []string{"node", filepath.Join(twilio, "build", "index.js"), credentials, "--services", "twilio_proxy_v1"}, request(twilioCall)},
		{sdkName, "", nil, []string{"node", sdk, b.stub.HTTP}, callTool},
	}
}

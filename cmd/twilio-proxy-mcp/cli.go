package main

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"twilio-proxy-mcp/tools/send"
)

const about = `An MCP server that sends a message to one participant of a masked Twilio Proxy conversation.

Without Twilio credentials it runs on a built-in fake of the Proxy API and texts nobody.

Credentials come from the environment, never from a flag:
  TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or
  TWILIO_API_KEY with TWILIO_API_SECRET
  (the secrets also from a file: TWILIO_AUTH_TOKEN_FILE, TWILIO_API_SECRET_FILE).
TWILIO_PROXY_BASE_URL, TWILIO_EDGE and TWILIO_REGION say where the API is.
Every flag can also be set as TWILIO_PROXY_MCP_ and its name in capitals, as in TWILIO_PROXY_MCP_BACKEND.

The exit status is 0 when all is well, 1 when a tool reports an error or the command could not do its work, 2 for wrong usage.`

const environmentPrefix = "TWILIO_PROXY_MCP"

// commandLine is the whole of it: each field a flag or a subcommand, with its
// environment name, default and help.
type commandLine struct {
	Common `embed:"" group:"Common flags:"` // shown after a subcommand's own

	Stdio   stdioCmd   `cmd:"" default:"withargs" help:"Serve MCP over stdin and stdout (the default)."`
	HTTP    httpCmd    `cmd:"" name:"http" help:"Serve MCP over Streamable HTTP and SSE."`
	Call    callCmd    `cmd:"" help:"Call a tool once and print what it returns."`
	Tools   toolsCmd   `cmd:"" help:"Show the tools on offer. It takes no notice of the common flags."`
	History historyCmd `cmd:"" help:"List what was sent, or resolve what is unknown."`
	Fake    fakeCmd    `cmd:"" help:"Serve the fake Proxy API alone, for any client. It takes no notice of the common flags."`

	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

// Common are the flags of every subcommand.
type Common struct {
	Backend                string        `enum:"auto,live,fake" default:"auto" help:"Where messages go: live (Twilio), fake (built in, texts nobody), or auto: live if there are credentials, else fake."`
	Timeout                time.Duration `default:"30s" help:"How long one request to Twilio may take, retries included."`
	MaxBodyLength          int           `default:"1600" help:"Longest Body in characters; 0 lifts the limit. Chosen: Twilio documents none for Proxy."`
	Deadline               time.Duration `default:"45s" help:"How long one tool call may take, waiting and looking for a lost message included; 1s to 55s. Hosts give up at 60s."`
	Ledger                 string        `placeholder:"FILE|URL|off" help:"Where sends are remembered: a SQLite file, a postgres:// URL (without a password), or off. Default: a file in the user's state directory; in memory for the fake."`
	LedgerFile             string        `type:"path" placeholder:"FILE" help:"File that holds what --ledger would say, for a URL with a password."`
	DuplicateWindow        time.Duration `default:"2m" help:"How long after a message went out the same one is answered with its receipt instead of being sent again; 0 turns it off."`
	RateLimit              int           `default:"30" help:"Requests a second to one Service, over any five seconds; 0 lifts it. 30 is Twilio's limit."`
	MaxSends               int           `default:"0" help:"Messages a minute in all; 0 is no cap."`
	MaxSendsPerParticipant int           `default:"0" help:"Messages a minute to one participant; 0 is no cap."`
	LogLevel               slog.Level    `default:"info" help:"Least level that is logged to stderr: debug, info, warn or error."`
	LogFormat              string        `enum:"text,json" default:"text" help:"Form of the log: text or json."`

	quiet bool // only errors: for a subcommand whose output a person reads
}

// Validate refuses numbers that make no sense; kong calls it.
func (c *Common) Validate() error {
	if c.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	if c.Deadline < time.Second {
		return errors.New("--deadline must be at least 1s: a call has to wait, send and record in it")
	}
	if c.Deadline > send.MaxDeadline {
		return fmt.Errorf("--deadline must be at most %v: hosts give up at 60s, and a minute after a message was begun it may be taken for one that nobody is sending any more", send.MaxDeadline)
	}
	for flag, negative := range map[string]bool{
		"--duplicate-window": c.DuplicateWindow < 0, "--max-body-length": c.MaxBodyLength < 0, "--rate-limit": c.RateLimit < 0,
		"--max-sends": c.MaxSends < 0, "--max-sends-per-participant": c.MaxSendsPerParticipant < 0,
	} {
		if negative {
			return errors.New(flag + " must not be negative; 0 turns it off")
		}
	}
	return nil
}

// version is the module's, as the Go toolchain recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return strings.Trim(info.Main.Version, "()")
}

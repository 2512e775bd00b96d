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

const about = `An MCP server that finds a participant of a masked Twilio Proxy conversation, texts them, and follows the message.

Without Twilio credentials it runs on a built-in fake of the Proxy API and texts nobody.

Credentials come from the environment, never from a flag:
  TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or
  TWILIO_API_KEY with TWILIO_API_SECRET.
A secret may be in a file instead, which TWILIO_AUTH_TOKEN_FILE or TWILIO_API_SECRET_FILE names.

TWILIO_PROXY_BASE_URL, TWILIO_EDGE and TWILIO_REGION say where the API is.
Every flag can also be set as TWILIO_PROXY_MCP_ and its name in capitals, such as TWILIO_PROXY_MCP_BACKEND.
A variable that begins like this and is no setting is refused.
The name of a file may begin with ~/. Nothing else is expanded: a value in quotes or with a placeholder is refused.

The exit status is 0 on success, 1 when a tool reports an error or the command fails, 2 for wrong usage.
SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal closes) end a command after its sends in flight; a second SIGINT or
SIGTERM ends it at once, by that signal.`

const environmentPrefix = "TWILIO_PROXY_MCP"

// commandLine is what kong parses. Each field is a flag or a subcommand.
type commandLine struct {
	Common `embed:"" group:"Common flags:"` // the group puts them after a subcommand's own flags

	Stdio   stdioCmd   `cmd:"" default:"withargs" help:"Serve MCP over stdin and stdout (the default)."`
	HTTP    httpCmd    `cmd:"" name:"http" help:"Serve MCP over Streamable HTTP and SSE."`
	Call    callCmd    `cmd:"" help:"Call a tool once and print what it returns."`
	Tools   toolsCmd   `cmd:"" help:"Show the available tools. Of the common flags, --tools, --read-only and --max-body-length change what it shows."`
	History historyCmd `cmd:"" help:"List what was sent, resolve an unknown outcome, or accept a loss."`
	Fake    fakeCmd    `cmd:"" help:"Serve only the fake Proxy API, for any client. Faults are armed on its page, or with a POST to /_fake/faults. It keeps the newest 16 MiB of messages. Of the common flags, it uses only those for the log."`

	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

// Common are the flags of every subcommand.
type Common struct {
	Backend                string        `enum:"auto,live,fake" default:"auto" help:"Where messages go: live (Twilio), fake (built in, texts nobody), or auto: live if there are credentials, otherwise fake."`
	Tools                  []string      `default:"send,find" placeholder:"SET" help:"Sets of tools that are offered: send, find, read. Default: send,find. read shows what people wrote, which is hostile input beside a tool that sends."`
	ReadOnly               bool          `help:"Leave out the set send, so that nobody can be texted. The ledger is then not needed, and what is set about sending means nothing."`
	Service                string        `placeholder:"SID|NAME" help:"SID or unique name of the Service that is meant where a call names none. Default: the account's only Service."`
	ShowIdentifiers        bool          `help:"Show people's identifiers, mostly phone numbers, to the model. They are masked to the last four digits otherwise."`
	Timeout                time.Duration `default:"30s" help:"How long one request to Twilio may take, retries included."`
	MaxBodyLength          int           `default:"1600" help:"Longest Body in characters; 0 removes the limit. 1600 is our choice: Twilio documents no limit for Proxy."`
	Deadline               time.Duration `default:"45s" help:"How long one tool call may take, including waiting and looking for a lost message; 1s to 55s. Hosts give up at 60s."`
	Ledger                 string        `type:"ledger" placeholder:"FILE|URL|off" help:"Where sends are remembered: the absolute path of a SQLite file, a postgres:// URL (without a password), or off. Default: a file in the user's state directory, or memory for the fake."`
	LedgerFile             string        `type:"path" placeholder:"FILE" help:"File that holds the value of --ledger, for a URL with a password."`
	DuplicateWindow        time.Duration `default:"2m" help:"For how long a repeat of a message gets the first receipt instead of being sent again; 0 turns this off."`
	RateLimit              int           `default:"30" help:"Requests per second to one Service, averaged over any five seconds; 0 removes the limit. 30 is Twilio's limit."`
	MaxSends               int           `default:"0" help:"Messages per minute in total; 0 is no cap."`
	MaxSendsPerParticipant int           `default:"0" help:"Messages per minute to one participant; 0 is no cap."`
	LogLevel               slog.Level    `default:"info" help:"Lowest level that is logged to stderr: debug, info, warn or error."`
	LogFormat              string        `enum:"text,json" default:"text" help:"Format of the log: text or json."`

	variables map[string]string // by the name of a flag: the variable that its value is from

	maxCalls int // in flight, of a subcommand that serves

	quiet bool // log only errors, because a person reads this subcommand's output
}

// Validate is called by kong.
func (c *Common) Validate() error {
	if c.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	if c.Deadline < time.Second {
		return errors.New("--deadline must be at least 1s: a call has to wait, send and record in it")
	}
	if c.Deadline > send.MaxDeadline {
		return fmt.Errorf("--deadline must be at most %v: hosts give up at 60s, and after a minute the ledger may treat the send as abandoned", send.MaxDeadline)
	}
	for flag, negative := range map[string]bool{
		"--duplicate-window": c.DuplicateWindow < 0, "--max-body-length": c.MaxBodyLength < 0, "--rate-limit": c.RateLimit < 0,
		"--max-sends": c.MaxSends < 0, "--max-sends-per-participant": c.MaxSendsPerParticipant < 0,
	} {
		if negative {
			return errors.New(flag + " must not be negative; 0 turns it off")
		}
	}
	return errors.Join(c.checkTools(), c.checkService())
}

// version is the module version that the Go toolchain recorded in the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return strings.Trim(info.Main.Version, "()")
}

// Command twilio-proxy-mcp is an MCP server with one tool: send a message to
// one participant of a masked Twilio Proxy conversation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1 // the tool reported an error, or the command could not do its work
	exitUsage = 2 // wrong usage
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(untilSignalled(), os.Args[1:], program{os.Stdin, os.Stdout, os.Stderr, toolSets}))
}

// untilSignalled ends at the first SIGINT or SIGTERM. Whoever sees that it has ended can rely on a second signal to
// end the process at once; signal.NotifyContext gives the signals back only afterwards.
func untilSignalled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals)
		cancel()
	}()
	return ctx
}

// gcPercent is how far the heap may grow between two collections, in percent of what is in use; GOGC overrides it. Go's
// own is 100. With 150 a call over stdio took 12 % less CPU time and the start 10 % less, which ends before the first
// collection, for 1.5 MB of memory under load with the ledger off; 200 took no less. Measured with cmd/bench's stub.
const gcPercent = 150

// program is the process's own, handed to the subcommands, with what they
// offer. stdout carries MCP and results only.
type program struct {
	in       io.Reader
	out, err io.Writer
	tools    []toolSet // what is offered
}

// errToolFailed says that a result with an error has been printed already.
var errToolFailed = errors.New("the tool reported an error")

// usageError is a wrong use that kong cannot see.
type usageError struct{ error }

func run(ctx context.Context, args []string, s program) int {
	// net/http's client tells package log, and nobody else, what a server sent
	// unasked: that may hold anything, a token or a message among them.
	log.SetOutput(io.Discard)
	unsetEmpty()
	var cli commandLine
	for _, arg := range args { // the parser would replace what is wrong, and other text than the caller's be sent
		if !utf8.ValidString(arg) {
			fmt.Fprintln(s.err, "twilio-proxy-mcp: an argument is not valid UTF-8")
			return exitUsage
		}
	}
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("twilio-proxy-mcp"),
		kong.Description(about),
		kong.DefaultEnvars(environmentPrefix),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version(), "maxInFlight": strconv.Itoa(maxInFlight)},
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		fmt.Fprintln(s.err, "twilio-proxy-mcp:", err)
		return exitError
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help and --version have printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "twilio-proxy-mcp: %v\nRun \"twilio-proxy-mcp --help\" for the usage.\n", err)
		return exitUsage
	}
	err = parsed.Run(&cli.Common)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errToolFailed):
		return exitError
	case errors.As(err, &usage):
		fmt.Fprintln(s.err, "twilio-proxy-mcp:", err)
		return exitUsage
	default:
		fmt.Fprintln(s.err, "twilio-proxy-mcp:", err)
		return exitError
	}
}

// unsetEmpty makes an empty variable the same as none, as mcp.json files have
// them for what is not filled in yet.
func unsetEmpty() {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); value == "" && strings.HasPrefix(name, environmentPrefix+"_") {
			os.Unsetenv(name)
		}
	}
}

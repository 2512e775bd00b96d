// Command twilio-proxy-mcp is an MCP server with one tool: send a message to
// one participant of a masked Twilio Proxy conversation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1 // the tool reported an error, or the command could not do its work
	exitUsage = 2 // wrong usage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// streams are the process's own, handed to the subcommands. stdout carries MCP
// and results only.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errToolFailed says that a result with an error has been printed already.
var errToolFailed = errors.New("the tool reported an error")

// usageError is a wrong use that kong cannot see.
type usageError struct{ error }

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var cli commandLine
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("twilio-proxy-mcp"),
		kong.Description(about),
		kong.DefaultEnvars("TWILIO_PROXY_MCP"),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version(), "maxInFlight": strconv.Itoa(maxInFlight)},
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{in, out, errOut}),
	)
	if err != nil {
		fmt.Fprintln(errOut, "twilio-proxy-mcp:", err)
		return exitError
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help and --version have printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "twilio-proxy-mcp: %v\nRun \"twilio-proxy-mcp --help\" for the usage.\n", err)
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
		fmt.Fprintln(errOut, "twilio-proxy-mcp:", err)
		return exitUsage
	default:
		fmt.Fprintln(errOut, "twilio-proxy-mcp:", err)
		return exitError
	}
}

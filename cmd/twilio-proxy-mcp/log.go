package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/cmd/internal/serve"
)

// logger writes to stderr, because stdout is for MCP and results. Nothing waits for it.
func (c *Common) logger(s program) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.quiet {
		options.Level = max(c.LogLevel, slog.LevelError)
	}
	handler := func(out io.Writer) slog.Handler {
		if c.LogFormat == "json" {
			return slog.NewJSONHandler(out, options)
		}
		return slog.NewTextHandler(out, options)
	}
	s.err.Format(handler)
	return slog.New(requestHandler{handler(s.err)})
}

// printURL prints the line that says where a server is. Like a log line, it waits for nobody: stdout may be the same pipe
// as stderr, and it may have no reader any more. done is for the end.
func printURL(s program, url string) (done func()) {
	out := logs.New(s.out)
	fmt.Fprintln(out, url)
	return out.Close
}

// requestHandler adds the transport, JSON-RPC id and trace of the request to
// every line.
type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	var buffer [4]slog.Attr // stays on the stack, because AddAttrs copies
	r.AddAttrs(serve.AppendLogAttrs(ctx, buffer[:0])...)
	return h.Handler.Handle(ctx, r)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

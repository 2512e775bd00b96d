package main

import (
	"context"
	"encoding/json"
	"os/signal"
	"syscall"

	"twilio-proxy-mcp/cmd/internal/serve"
)

type stdioCmd struct{}

// Run serves until stdin closes or a signal comes, and until every request
// that was read is answered.
func (*stdioCmd) Run(ctx context.Context, c *Common, s streams) error {
	signal.Ignore(syscall.SIGPIPE) // a client that is gone must not end a send in flight
	a, err := newApp(ctx, c, s)
	if err != nil {
		return err
	}
	defer a.close()
	a.announce(ctx)
	return a.server(c).Stdio(ctx, s.in, s.out)
}

// server mounts the tools for serving.
func (a *app) server(c *Common) *serve.Server {
	return &serve.Server{
		MCP: a.mcp,
		Call: func(ctx context.Context, call serve.Call) (json.RawMessage, bool) {
			return a.tools.Call(ctx, call.Name, call.Arguments, call.Meta)
		},
		Log:   a.log,
		Grace: c.Deadline,
	}
}

package main

import (
	"context"
	"os/signal"
	"syscall"
)

type stdioCmd struct{}

// Run serves until stdin closes or a signal comes. Requests that were already
// read are answered first.
func (*stdioCmd) Run(ctx context.Context, c *Common, s program) error {
	signal.Ignore(syscall.SIGPIPE) // if the client is gone, a send in flight must still finish
	a, err := newApp(c, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	a.announce(ctx)
	return a.server(c).Stdio(ctx, s.in, s.out)
}

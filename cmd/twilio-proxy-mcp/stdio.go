package main

import (
	"context"
	"os/signal"
	"syscall"
)

type stdioCmd struct{}

// Run serves until stdin closes or a signal comes, and until every request
// that was read is answered.
func (*stdioCmd) Run(ctx context.Context, c *Common, s program) error {
	signal.Ignore(syscall.SIGPIPE) // a client that is gone must not end a send in flight
	a, err := newApp(c, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	a.announce(ctx)
	return a.server(c).Stdio(ctx, s.in, s.out)
}

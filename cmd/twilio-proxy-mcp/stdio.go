package main

import "context"

type stdioCmd struct{}

// Run serves until stdin closes or a signal comes. Requests that were already
// read are answered first.
func (*stdioCmd) Run(ctx context.Context, c *Common, s program) error {
	a, err := newApp(c, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	a.announce(ctx)
	return a.server(c).Stdio(ctx, s.in, s.out)
}

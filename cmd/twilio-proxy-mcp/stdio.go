package main

import "context"

// maxOverStdio is how many calls run at once for one host; more wait for their turn. A call that runs, or whose answer the
// host does not read, takes 60 KB.
const maxOverStdio = 256

type stdioCmd struct{}

// Run serves until stdin closes or a signal comes. Requests that were already
// read are answered first.
func (*stdioCmd) Run(ctx context.Context, c *Common, s program) error {
	limitMemory()
	c.maxCalls = maxOverStdio
	a, err := newApp(c, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	a.announce(ctx)
	return a.server(c).Stdio(ctx, s.in, s.stdout())
}

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"twilio-proxy-mcp/twilio/fake"
	"twilio-proxy-mcp/twilio/fake/page"
)

type fakeCmd struct {
	Addr string `default:"127.0.0.1:4010" help:"Address to listen on; port 0 takes a free one."`
}

// Run serves the fake until a signal comes. Its first line on stdout is the
// base URL.
func (cmd *fakeCmd) Run(ctx context.Context, c *Common, s streams) error {
	listener, err := net.Listen("tcp", cmd.Addr)
	if err != nil {
		return err
	}
	f := fake.New(fake.Config{Page: page.Handler()})
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(s.out, "http://%s\n", listener.Addr())
	fmt.Fprintln(s.err, "This is a fake of the Twilio Proxy API: nobody is texted. Point a client at the URL above, with any credentials, and a browser to watch.")
	err = server.Serve(listener)
	closed := f.Close()
	if err == http.ErrServerClosed {
		return closed
	}
	return err
}

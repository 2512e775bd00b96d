package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"twilio-proxy-mcp/cmd/internal/guard"
	"twilio-proxy-mcp/cmd/internal/serve"
)

type httpCmd struct {
	Addr           string   `default:"127.0.0.1:8080" help:"Address to listen on; port 0 takes a free one. Any but a loopback address needs a token or OAuth, and --allowed-hosts."`
	AllowedOrigins []string `placeholder:"ORIGIN" help:"Origins of web pages that may call, such as https://app.example; none by default."`
	AllowedHosts   []string `placeholder:"HOST" help:"Names by which clients call this server; the loopback names by default."`
	TokenFile      string   `type:"path" placeholder:"FILE" help:"File of bearer tokens that may call, one a line; several, so that one can be replaced. One token can be in TWILIO_PROXY_MCP_TOKEN instead."`
	OauthIssuer    string   `placeholder:"URL" help:"Issuer whose access tokens may call (OAuth 2.1, JWT)."`
	OauthAudience  string   `placeholder:"URL" help:"Audience that access tokens must be for: this server's own URL."`
	OauthScopes    []string `placeholder:"SCOPE" help:"Scopes that access tokens must have."`
	TLSCert        string   `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate, in PEM."`
	TLSKey         string   `name:"tls-key" type:"path" placeholder:"FILE" help:"Its key, in PEM."`
	MaxInFlight    int      `default:"${maxInFlight}" help:"Calls at once; beyond it a call is refused with 503 before anything is sent."`
}

// Run serves until a signal comes: readiness turns false, sends in flight
// finish, then the listener closes. Its first line on stdout is the URL.
func (cmd *httpCmd) Run(ctx context.Context, c *Common, s streams) error {
	signal.Ignore(syscall.SIGPIPE) // a log reader that is gone must not end a send in flight
	a, err := newApp(ctx, c, s)
	if err != nil {
		return err
	}
	defer a.close()
	measured := newMetrics(a)
	config, err := cmd.config(a, measured)
	if err != nil {
		return err
	}
	listener, err := config.Listen(ctx, cmd.Addr)
	if errors.Is(err, guard.ErrOpen) {
		return usageError{fmt.Errorf("%w (--token-file or TWILIO_PROXY_MCP_TOKEN, or --oauth-issuer with --oauth-audience; and --allowed-hosts)", err)}
	}
	if err != nil {
		return err
	}
	scheme := "http"
	if cmd.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(s.out, "%s://%s/mcp\n", scheme, listener.Addr())
	a.announce(ctx)
	server := a.server(c)
	server.MaxInFlight = cmd.MaxInFlight
	return server.HTTP(ctx, listener, *config)
}

func (cmd *httpCmd) config(a *app, m *metrics) (*serve.HTTP, error) {
	tokens, err := cmd.tokens()
	if err != nil {
		return nil, err
	}
	config := &serve.HTTP{
		Guards: guard.Guards{
			Origins: cmd.AllowedOrigins,
			Hosts:   cmd.AllowedHosts,
			Tokens:  tokens,
			Refused: m.refused,
		},
		TLSCert: cmd.TLSCert,
		TLSKey:  cmd.TLSKey,
		Metrics: m.handler(),
	}
	if a.fake != nil {
		config.Other = a.fake // its page, to see what an agent "sent"
		config.Guards.SameOrigin = true
	}
	if (cmd.OauthIssuer == "") != (cmd.OauthAudience == "") {
		return nil, usageError{fmt.Errorf("--oauth-issuer and --oauth-audience belong together")}
	}
	if cmd.OauthIssuer != "" {
		config.Guards.OAuth = &guard.OAuth{Issuer: cmd.OauthIssuer, Audience: cmd.OauthAudience, Scopes: cmd.OauthScopes}
	}
	return config, nil
}

// tokens come from a file or the environment, never from a flag.
func (cmd *httpCmd) tokens() ([]string, error) {
	if cmd.TokenFile == "" {
		return strings.Fields(os.Getenv("TWILIO_PROXY_MCP_TOKEN")), nil
	}
	content, err := os.ReadFile(cmd.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	tokens := strings.Fields(string(content))
	if len(tokens) == 0 {
		return nil, fmt.Errorf("--token-file: the file holds no token")
	}
	return tokens, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"twilio-proxy-mcp/cmd/internal/guard"
	"twilio-proxy-mcp/cmd/internal/serve"
)

type httpCmd struct {
	Addr           string   `default:"127.0.0.1:8080" help:"Address to listen on; port 0 takes a free one. Any but a loopback address needs a token or OAuth, and --allowed-hosts."`
	AllowedOrigins []string `placeholder:"ORIGIN" help:"Origins of web pages that may call, such as https://app.example; none by default."`
	AllowedHosts   []string `placeholder:"HOST" help:"Names by which clients call this server; the loopback names by default."`
	TokenFile      string   `type:"path" placeholder:"FILE" help:"File of bearer tokens that may call, one a line; several, so that one can be replaced. One token can be in TWILIO_PROXY_MCP_TOKEN instead."`
	OauthIssuer    string   `placeholder:"URL" help:"Issuer whose access tokens may call (OAuth 2.1, JWT)."`
	OauthAudience  string   `placeholder:"URL" help:"Audience that access tokens must be for: this server's own URL, as a rule."`
	OauthResource  string   `placeholder:"URL" help:"URL by which clients know this server; needed when the audience is no URL."`
	OauthScopes    []string `placeholder:"SCOPE" help:"Scopes that access tokens must have."`
	TLSCert        string   `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate, in PEM."`
	TLSKey         string   `name:"tls-key" type:"path" placeholder:"FILE" help:"Its key, in PEM."`
	MaxInFlight    int      `default:"${maxInFlight}" help:"Calls at once; beyond it a call is refused with 503 before anything is sent."`
}

// Validate refuses a number that makes no sense; kong calls it.
func (cmd *httpCmd) Validate() error {
	if cmd.MaxInFlight < 1 {
		return errors.New("--max-in-flight must be at least 1")
	}
	return nil
}

// Run serves until a signal comes: readiness turns false, sends in flight
// finish, then the listener closes. Its first line on stdout is the URL.
func (cmd *httpCmd) Run(ctx context.Context, c *Common, s program) error {
	signal.Ignore(syscall.SIGPIPE) // a log reader that is gone must not end a send in flight
	measured := newMetrics()
	a, err := newApp(c, s, measured)
	if err != nil {
		return err
	}
	defer a.close()
	measured.countInFlight(a.tools.InFlight)
	config, err := cmd.config(a, measured)
	if err != nil {
		return err
	}
	listener, err := config.Listen(ctx, cmd.Addr)
	if errors.Is(err, guard.ErrOpen) {
		return usageError{fmt.Errorf("%w (--token-file or TWILIO_PROXY_MCP_TOKEN, or --oauth-issuer with --oauth-audience; and --allowed-hosts)", err)}
	}
	if errors.Is(err, guard.ErrResource) {
		return usageError{fmt.Errorf("%w (--oauth-resource)", err)}
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
		Ready:   a.ready,
	}
	if a.fake != nil {
		config.Other = a.fake // its page, to see what an agent "sent"
		config.Guards.SameOrigin = true
		config.Guards.Methods = fakeMethods
	}
	if (cmd.OauthIssuer == "") != (cmd.OauthAudience == "") {
		return nil, usageError{fmt.Errorf("--oauth-issuer and --oauth-audience belong together")}
	}
	if cmd.OauthIssuer != "" {
		config.Guards.OAuth = &guard.OAuth{Issuer: cmd.OauthIssuer, Audience: cmd.OauthAudience, Scopes: cmd.OauthScopes, Resource: cmd.OauthResource, Log: a.log}
	}
	return config, nil
}

// tokens come from a file or the environment, never from a flag.
func (cmd *httpCmd) tokens() ([]string, error) {
	set := os.Getenv("TWILIO_PROXY_MCP_TOKEN")
	tokens := strings.Fields(set)
	if cmd.TokenFile == "" {
		if set != "" && len(tokens) == 0 { // whoever set it does not mean that everybody may call
			return nil, usageError{errors.New("TWILIO_PROXY_MCP_TOKEN is set and holds no token: give it one, or unset it")}
		}
		return tokens, nil
	}
	if set != "" {
		return nil, usageError{errors.New("TWILIO_PROXY_MCP_TOKEN and --token-file are both set; set one")}
	}
	content, err := os.ReadFile(cmd.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	if tokens = strings.Fields(string(content)); len(tokens) == 0 {
		return nil, fmt.Errorf("--token-file: the file holds no token")
	}
	return tokens, nil
}

// readyTimeout is how long a ledger may take to say that it can be used; chosen, below the patience of common probes.
const readyTimeout = 2 * time.Second

// ready asks the ledger on PostgreSQL, without which every call is answered to try later. A file on this machine is
// there when it is needed, and not before.
func (a *app) ready(ctx context.Context) error {
	if a.ledger == nil || a.ledger.DSN == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	_, err := a.ledger.KnownSid(ctx, "") // the shortest question there is
	return err
}

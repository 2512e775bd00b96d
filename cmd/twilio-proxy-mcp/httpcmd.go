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
	Addr           string   `default:"127.0.0.1:8080" help:"Address to listen on; port 0 picks a free one. An address that is not loopback needs --allowed-hosts, and a token or OAuth."`
	AllowedOrigins []string `placeholder:"ORIGIN" help:"Origins of web pages that may call, such as https://app.example; none by default."`
	AllowedHosts   []string `placeholder:"HOST" help:"Host names by which clients call this server; the loopback names by default."`
	TokenFile      string   `type:"path" placeholder:"FILE" help:"File of accepted bearer tokens, one per line. With several, one can be replaced while another is in use. TWILIO_PROXY_MCP_TOKEN can hold a token instead."`
	OauthIssuer    string   `placeholder:"URL" help:"Issuer whose access tokens are accepted (OAuth 2.1, JWT)."`
	OauthAudience  string   `placeholder:"URL" help:"Audience that access tokens must name, usually this server's own URL."`
	OauthResource  string   `placeholder:"URL" help:"URL by which clients know this server; needed when the audience is not a URL."`
	OauthScopes    []string `placeholder:"SCOPE" help:"Scopes that access tokens must have."`
	TLSCert        string   `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate in PEM; turns TLS on."`
	TLSKey         string   `name:"tls-key" type:"path" placeholder:"FILE" help:"Private key of the certificate, in PEM."`
	MaxInFlight    int      `default:"${maxInFlight}" help:"Most calls at one time. Further calls are refused with 503 before anything is sent."`
}

// Validate is called by kong.
func (cmd *httpCmd) Validate() error {
	if cmd.MaxInFlight < 1 {
		return errors.New("--max-in-flight must be at least 1")
	}
	return nil
}

// Run serves until a signal comes. Then readiness turns false, sends in flight
// finish, and the listener closes. The first line on stdout is the URL.
func (cmd *httpCmd) Run(ctx context.Context, c *Common, s program) error {
	signal.Ignore(syscall.SIGPIPE) // if nobody reads the URL, serve all the same
	m := newMetrics()
	a, err := newApp(c, s, m)
	if err != nil {
		return err
	}
	defer a.close()
	m.showInFlight(a.tools.InFlight)
	m.showDroppedLines(s.err.Dropped)
	config, err := cmd.config(a, m)
	if err != nil {
		return err
	}
	listener, err := config.Listen(ctx, cmd.Addr)
	if errors.Is(err, guard.ErrOpen) {
		return usageError{fmt.Errorf("%w (set --allowed-hosts, and either --token-file, TWILIO_PROXY_MCP_TOKEN, or --oauth-issuer with --oauth-audience)", err)}
	}
	if errors.Is(err, guard.ErrResource) {
		return usageError{fmt.Errorf("%w (set --oauth-resource)", err)}
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

// The flags that admit a web page and a host name, on every command that listens.
const originSetting, hostSetting = "--allowed-origins", "--allowed-hosts"

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
			Refused: m.countRefusal,
			Log:     &guard.RefusalLog{Log: a.log},

			OriginSetting: originSetting, HostSetting: hostSetting,
		},
		TLSCert: cmd.TLSCert,
		TLSKey:  cmd.TLSKey,
		Metrics: m.handler(),
		Ready:   a.ready,
	}
	if a.fake != nil {
		config.Other = a.fake // its page shows what an agent "sent"
		config.OtherPosts = []string{"/v1/", "/_fake/"}
		config.Guards.SameOrigin = true
		config.Guards.Methods = fakeMethods
	}
	if (cmd.OauthIssuer == "") != (cmd.OauthAudience == "") {
		return nil, usageError{errors.New("--oauth-issuer and --oauth-audience belong together; set both")}
	}
	if cmd.OauthIssuer != "" {
		config.Guards.OAuth = &guard.OAuth{Issuer: cmd.OauthIssuer, Audience: cmd.OauthAudience, Scopes: cmd.OauthScopes, Resource: cmd.OauthResource, Log: a.log}
	}
	return config, nil
}

// tokens come from a file or the environment, because every user of the machine
// can see command lines.
func (cmd *httpCmd) tokens() ([]string, error) {
	set := os.Getenv("TWILIO_PROXY_MCP_TOKEN")
	tokens := strings.Fields(set)
	if cmd.TokenFile == "" {
		if set != "" && len(tokens) == 0 { // without a token, everybody could call; nobody sets the variable for that
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
		return nil, errors.New("--token-file: the file holds no token")
	}
	return tokens, nil
}

// readyTimeout is how long the ledger may take to answer a readiness probe. Common probes wait longer.
const readyTimeout = 2 * time.Second

// ready checks the ledger on PostgreSQL: without it, every call ends as try_later. A ledger file needs no check. It is
// made at the first send.
func (a *app) ready(ctx context.Context) error {
	if a.ledger == nil || a.ledger.DSN == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	_, err := a.ledger.KnownSid(ctx, "") // the cheapest query
	return err
}

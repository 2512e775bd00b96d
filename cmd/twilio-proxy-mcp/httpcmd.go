package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"twilio-proxy-mcp/cmd/internal/config"
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
	limitMemory()
	c.maxCalls = cmd.MaxInFlight
	m := newMetrics()
	a, err := newApp(c, s, m)
	if err != nil {
		return err
	}
	defer a.close()
	m.showInFlight(a.tools.InFlight)
	m.showDroppedLines(s.err.Dropped)
	site, err := cmd.site(a, m)
	if err != nil {
		return err
	}
	if err := cmd.check(site); err != nil {
		return usageError{err}
	}
	listener, err := site.Guards.Listen(ctx, cmd.Addr, cmd.TLSCert, cmd.TLSKey)
	if err != nil {
		return err
	}
	scheme := "http"
	if cmd.TLSCert != "" {
		scheme = "https"
	}
	at := fmt.Sprintf("%s://%s", scheme, listener.Addr())
	defer printURL(s, at+"/mcp")()
	if a.fake != nil {
		a.page = at + "/"
	}
	a.announce(ctx, "mcp", at+"/mcp", "sse", at+"/sse", "guard", guardName(site.Guards))
	return a.server(c).HTTP(ctx, listener, *site)
}

// The flags that admit a web page and a host name, on every command that listens.
const originSetting, hostSetting = "--allowed-origins", "--allowed-hosts"

// guardName says who may call.
func guardName(g guard.Guards) string {
	switch {
	case len(g.Tokens) > 0 && g.OAuth != nil:
		return "token and OAuth"
	case len(g.Tokens) > 0:
		return "token"
	case g.OAuth != nil:
		return "OAuth"
	}
	return "loopback only"
}

// check names the flag that is to blame for what the guards refuse.
func (cmd *httpCmd) check(site *serve.HTTP) error {
	if (cmd.TLSCert == "") != (cmd.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together: TLS needs both")
	}
	addr, err := net.ResolveTCPAddr("tcp", cmd.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	err = site.Guards.Check(addr)
	for _, known := range []struct {
		err    error
		remedy string
	}{
		{guard.ErrOpen, "set --allowed-hosts, and either --token-file, TWILIO_PROXY_MCP_TOKEN, or --oauth-issuer with --oauth-audience"},
		{guard.ErrResource, "set --oauth-resource"},
		{guard.ErrIssuer, "see --oauth-issuer"},
		{guard.ErrOrigin, "see --allowed-origins"},
		{guard.ErrHost, "see --allowed-hosts"},
		{guard.ErrToken, "see TWILIO_PROXY_MCP_TOKEN and --token-file"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%w (%s)", err, known.remedy)
		}
	}
	return err
}

// site is what the flags say of the server, without its address.
func (cmd *httpCmd) site(a *app, m *metrics) (*serve.HTTP, error) {
	tokens, err := cmd.tokens()
	if err != nil {
		return nil, err
	}
	site := &serve.HTTP{
		Guards: guard.Guards{
			Origins: cmd.AllowedOrigins,
			Hosts:   cmd.AllowedHosts,
			Tokens:  tokens,
			Refused: m.countRefusal,
			Log:     &guard.RefusalLog{Log: a.log},

			OriginSetting: originSetting, HostSetting: hostSetting,
		},
		Metrics: m.handler(),
		Ready:   a.ready,
	}
	if a.fake != nil {
		site.Other = a.fake // its page shows what an agent "sent"
		site.OtherPosts = []string{"/v1/", "/_fake/"}
		site.Guards.SameOrigin = true
		site.Guards.Methods = fakeMethods
	}
	if (cmd.OauthIssuer == "") != (cmd.OauthAudience == "") {
		return nil, usageError{errors.New("--oauth-issuer and --oauth-audience belong together; set both")}
	}
	if cmd.OauthIssuer == "" && (len(cmd.OauthScopes) > 0 || cmd.OauthResource != "") {
		return nil, usageError{errors.New("--oauth-scopes and --oauth-resource need --oauth-issuer and --oauth-audience: without these, no access token is checked")}
	}
	if cmd.OauthIssuer != "" {
		site.Guards.OAuth = &guard.OAuth{Issuer: cmd.OauthIssuer, Audience: cmd.OauthAudience, Scopes: cmd.OauthScopes, Resource: cmd.OauthResource, Log: a.log}
	}
	return site, nil
}

// tokenVariable can hold a token. It has no flag.
const tokenVariable = "TWILIO_PROXY_MCP_TOKEN"

// tokens come from a file or the environment, because every user of the machine
// can see command lines.
func (cmd *httpCmd) tokens() ([]string, error) {
	set := os.Getenv(tokenVariable)
	switch {
	case set == "" && cmd.TokenFile == "":
		return nil, nil
	case set != "" && cmd.TokenFile != "":
		return nil, usageError{errors.New(tokenVariable + " and --token-file are both set; set one")}
	}
	from, none := tokenVariable, tokenVariable+" is set and holds no token: give it one, or unset it"
	tokens, err := config.Words(set)
	if cmd.TokenFile != "" {
		from, none = "--token-file", "--token-file: the file holds no token"
		tokens, err = config.ReadWords(cmd.TokenFile)
	}
	switch {
	case err != nil:
	case len(tokens) == 0: // without a token, everybody could call; nobody names a place for it for that
		return nil, usageError{errors.New(none)}
	case slices.ContainsFunc(tokens, func(token string) bool { return strings.EqualFold(token, "Bearer") }):
		err = errors.New("leave out the word Bearer: only the token belongs here")
	case slices.ContainsFunc(tokens, config.IsSample):
		err = config.ErrSample
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", from, err)}
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

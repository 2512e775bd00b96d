// Package twilio is a client of Twilio's Proxy API that always knows what
// became of a message: sent, not sent, or beyond knowing.
//
// Every operation ends in one of these ways:
//
//	nil                   Twilio accepted it, any 2xx, also when the answer's body was unreadable
//	*Error                Twilio refused it; for 429 it was never processed; nothing was sent
//	*NotSentError         it never got as far as a connection; nothing was sent
//	*OutcomeUnknownError  it was attempted, and nobody can know (no answer, 408, 5xx)
//
// A send is attempted again only where Twilio surely did nothing: no connection
// was got, or the answer was 429. A cancelled context stops a send until it has
// a connection, and from then on no longer: its answer is awaited, so that the
// outcome is known. What net/http would repeat by itself it cannot repeat here:
// the body of a send cannot be rewound. One consequence is wanted: when the
// server closes a kept-alive connection in the very moment in which it is taken
// up again, the outcome is unknown rather than guessed at. Connections that were
// closed earlier are noticed in the pool and replaced.
package twilio

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits of one call. All are chosen.
const (
	defaultTimeout     = 30 * time.Second // hosts of MCP servers give a tool call about a minute
	defaultMaxInFlight = 100
	defaultUserAgent   = "twilio-proxy-mcp"

	connectTimeout = 5 * time.Second  // for TCP, and again for TLS: two attempts fit into the default timeout
	idleTimeout    = 30 * time.Second // shorter than load balancers keep an idle connection, so that this side closes first
	maxHeader      = 64 << 10         // bytes
)

// Client calls the Proxy API with one account's credentials. Username and
// Password must be set; every other field has a default. It is safe for
// concurrent use. The fields must not change after the first call (or Check),
// and the client must not be copied.
type Client struct {
	// BaseURL is where the API is, without the "/v1"; "" is
	// https://proxy.twilio.com. See the function BaseURL for what is allowed.
	BaseURL string

	// Username and Password are an account SID and its auth token, or an API
	// key's SID and its secret.
	Username, Password string

	// Timeout bounds one call, retries and waiting included; 0 is 30 seconds. An
	// earlier deadline of the call's context bounds it too.
	// The last quarter (at most 5 seconds) is kept for the answer: an attempt
	// that has no connection by then is given up as not sent.
	Timeout time.Duration

	// MaxInFlight is how many connections are kept open for the next call;
	// 0 is 100. It should be the number of calls in flight, and limits nothing.
	MaxInFlight int

	// UserAgent is sent as the header of that name; "" is "twilio-proxy-mcp".
	UserAgent string

	// Observe, when set, is told of every HTTP exchange after it ended, from the
	// goroutine of the call, so it should be quick.
	Observe func(Exchange)

	once      sync.Once
	configErr error
	base      *url.URL // its path is without a trailing slash
	pool      *http.Transport

	// The headers of a GET and of a POST; all requests share them.
	header, formHeader http.Header
}

// Exchange is one HTTP exchange as Client.Observe sees it. It holds nothing
// that identifies a person or an account.
type Exchange struct {
	Operation string        // the API's name of the operation, such as "CreateMessageInteraction"
	Status    int           // the HTTP status; 0 when no answer came
	Duration  time.Duration // from asking for a connection to the end of the body
	Retries   int           // how many exchanges the same call had before
}

// Check reports a client that cannot work: a base URL, credentials or a limit
// that make no sense. It calls nobody. Its errors name the field and never show
// a credential.
func (c *Client) Check() error {
	c.once.Do(func() {
		if c.base, c.configErr = c.check(); c.configErr == nil {
			c.pool = c.transport()
			c.header, c.formHeader = c.newHeader(), c.newHeader()
			c.formHeader.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	})
	return c.configErr
}

func (c *Client) check() (*url.URL, error) {
	parsed, err := parseBaseURL(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("twilio.Client: BaseURL %w", err)
	}
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{c.Username == "", "Username is empty: set an account SID (AC…) or an API key's SID (SK…)"},
		{c.Password == "", "Password is empty: set the account's auth token or the API key's secret"},
		{strings.Contains(c.Username, ":"), "Username contains a colon, which Basic authentication cannot carry"},
		{!oneLine(c.Username), "Username contains a space, a line break or another character that is no part of a SID"},
		{!oneLine(c.Password), "Password contains a space, a line break or another character that is no part of a secret"},
		{c.UserAgent != "" && !oneLine(strings.ReplaceAll(c.UserAgent, " ", "")), "UserAgent contains a character that no header may have"},
		{c.Timeout < 0, "Timeout is negative"},
		{c.MaxInFlight < 0, "MaxInFlight is negative"},
	} {
		if rule.broken {
			return nil, errors.New("twilio.Client: " + rule.text)
		}
	}
	base, err := url.Parse(strings.TrimSuffix(parsed.String(), "/"))
	if err == nil {
		base.Host = strings.TrimSuffix(base.Host, ":") // an empty port is no part of a Host header
	}
	return base, err
}

// oneLine reports whether s is printable ASCII without spaces. A secret read
// from a file with its line break fails here and not as a 401.
func oneLine(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// transport is used without an http.Client on top: that is what follows
// redirects, and keeps cookies, and neither may ever happen here.
func (c *Client) transport() *http.Transport {
	idle := c.MaxInFlight
	if idle == 0 {
		idle = defaultMaxInFlight
	}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // answers are small, and a body that was cut off should stay readable
		Protocols:              new(http.Protocols),
		// No ResponseHeaderTimeout: a send is not tried again after it was written,
		// so giving up before the deadline would only make its outcome unknown.
	}
	// Over HTTP/2, httptrace was seen to report requests as not written that the
	// server had received whole.
	t.Protocols.SetHTTP1(true)
	return t
}

// Close closes the connections that no call is using. The client stays usable.
func (c *Client) Close() {
	if c.Check() == nil {
		c.pool.CloseIdleConnections()
	}
}

// String names the client without its credentials.
func (c *Client) String() string {
	if c == nil {
		return "twilio.Client(nil)"
	}
	host := "proxy.twilio.com"
	if u, err := url.Parse(c.BaseURL); err != nil {
		host = "(unreadable base URL)"
	} else if c.BaseURL != "" {
		host = u.Host
	}
	return "twilio.Client(" + host + ")"
}

// Format prints what String does, whatever the verb: no verb shows the secret.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// LogValue keeps the credentials out of slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText keeps the credentials out of JSON and other encodings.
func (c *Client) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// newHeader makes what is in the header of every request. The credentials are
// there and never in a URL, as URLs end up in errors. There is no
// Idempotency-Key: it would make a POST replayable in net/http's eyes, and
// Twilio does not know it.
func (c *Client) newHeader() http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(c.Username, c.Password)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", cmp.Or(c.UserAgent, defaultUserAgent))
	return r.Header
}

func (c *Client) observe(e Exchange) {
	if c.Observe != nil {
		c.Observe(e)
	}
}

// at is where the API has a path, which needs no escaping, and query.
func (c *Client) at(pathAndQuery string) *url.URL {
	u := *c.base
	path, query, _ := strings.Cut(pathAndQuery, "?")
	u.Path, u.RawQuery = u.Path+path, query
	if u.RawPath != "" {
		u.RawPath += path
	}
	return &u
}

// newRequest builds the HTTP request of one attempt, of parts that were made
// once. A RoundTripper does not change a request, so its header is shared.
func (c *Client) newRequest(ctx context.Context, req request) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: c.at(req.path), Header: c.header}
	if req.form != "" {
		// With a body that it cannot rewind (there is no GetBody), net/http never
		// repeats the request by itself, not even on a kept-alive connection that
		// turns out to be closed.
		r.Method, r.Header = http.MethodPost, c.formHeader
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(req.form)), int64(len(req.form))
	}
	return r.WithContext(ctx)
}

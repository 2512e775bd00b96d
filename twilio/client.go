// Package twilio is a client of Twilio's Proxy API. It reads Services, Sessions, Participants and Interactions, and sends
// messages. It always says what became of a message: it was sent, it was not sent, or nobody can know.
//
// A send ends in one of these ways:
//
//	nil                   Twilio accepted it (any 2xx of an API), even if the answer's body is unreadable
//	*Error                Twilio or something on the way refused it (with 429: did not process it); nothing was sent
//	*NotSentError         there was no connection; nothing was sent
//	*OutcomeUnknownError  it was attempted, and nobody can know the outcome (no answer, 408, 5xx, a 2xx that no API gave)
//
// Reading changes nothing, so a read has no unknown outcome: it ends in an answer, in one of the first two errors, or in
// another that says why there is no answer that can be read. Services and Sessions can be asked for by their unique names.
// All else is found in lists, which are iterators of pages; Page says how they are read and how they end.
//
// Each attempt of a request takes a turn, so that the RateLimit is kept for each operation and Service, whoever calls. Only
// the turn for the first attempt of a send is its caller's to take, with WaitToSend: then it can still be given up.
//
// A send is repeated only when Twilio certainly did nothing: there was no
// connection, or the answer was 429. A read is repeated then, and when a kept
// connection was closed before an answer came. A cancelled context stops a send only until
// it has a connection. After that, the client waits for the answer, so that the
// outcome is known.
//
// net/http repeats some requests by itself. It cannot repeat one of this
// client, because the body cannot be rewound. Right before the first byte, the
// client looks whether the server has closed a kept-alive connection, and if so
// takes another one (not on Windows, which has no such look). One case is left: if
// the close is still on its way when the request is written, the outcome is
// unknown. To make it rare, a connection is kept idle for 20 seconds at most, and
// for less after a server was seen to close one sooner.
package twilio

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits of one call are our choice; Twilio documents none.
const (
	defaultTimeout     = 30 * time.Second // well within the minute or so that MCP hosts give a tool call
	defaultMaxInFlight = 100
	defaultUserAgent   = "twilio-proxy-mcp"

	connectTimeout = 5 * time.Second  // for TCP, and again for TLS; two attempts fit into the default timeout
	idleTimeout    = 20 * time.Second // Twilio documents none; load balancers mostly wait 60 s, so this side closes first
	maxHeader      = 64 << 10         // bytes
	writeBuffer    = 4 << 10          // bytes; net/http's own default
)

// Client calls the Proxy API with one account's credentials. Username and
// Password must be set; every other field has a default. It is safe for
// concurrent use. The fields must not change after the first call (or Check),
// and the client must not be copied.
type Client struct {
	// BaseURL is the API's address without the "/v1"; "" means
	// https://proxy.twilio.com. The function BaseURL documents what is allowed.
	BaseURL string

	// Username and Password are an account SID and its auth token, or an API
	// key's SID and its secret.
	Username, Password string

	// Timeout bounds one call, including retries and waits; 0 means 30 seconds.
	// An earlier deadline of the call's context takes precedence. The last quarter
	// of the time (at most 5 seconds) is kept for the answer: a send that has no
	// connection by then is given up as not sent.
	Timeout time.Duration

	// RateLimit is how many requests a second of one operation go to one Service,
	// counted over any five seconds, and with the tries after a 429; 0 lifts it.
	// Twilio's limit is 30 (Twilio's page on Proxy limits).
	RateLimit int

	// MaxInFlight is how many idle connections are kept for later calls; 0 means
	// 100. Set it to the expected number of concurrent calls. It does not limit
	// them.
	MaxInFlight int

	// UserAgent is the value of the User-Agent header; "" means "twilio-proxy-mcp".
	UserAgent string

	// Observe, if set, is called after every HTTP exchange. It runs in the call's
	// goroutine, so it should be quick.
	Observe func(Exchange)

	once      sync.Once
	configErr error
	base      *url.URL // its path has no trailing slash
	pool      *http.Transport
	trust     idleTrust
	rates     sync.Map // of *rate, by the operation
	alone     sync.Map // of chan struct{}, which leave closes, by the message; see Alone

	// The headers of a GET and of a POST. All requests share them.
	header, formHeader http.Header
}

// Exchange is one HTTP exchange as Client.Observe sees it. It holds nothing
// that identifies a person or an account.
type Exchange struct {
	Operation string        // the API's name of the operation, such as "CreateMessageInteraction"
	Status    int           // the HTTP status; 0 if no answer came
	Duration  time.Duration // from asking for a connection to the end of the body
	Retries   int           // how many exchanges of the same call came before
}

// Check returns an error if the client cannot work, because its base URL,
// credentials or limits make no sense. It sends no request. The error names the
// field and never shows a credential.
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
		{!isPrintableASCII(c.Username), "Username contains a space, a line break or another character that a SID cannot contain"},
		{!isPrintableASCII(c.Password), "Password contains a space, a line break or another character that a secret cannot contain"},
		{c.UserAgent != "" && !isPrintableASCII(strings.ReplaceAll(c.UserAgent, " ", "")), "UserAgent contains a character that is not allowed in a header"},
		{c.Timeout < 0, "Timeout is negative"},
		{c.MaxInFlight < 0, "MaxInFlight is negative"},
		{c.RateLimit < 0, "RateLimit is negative"},
	} {
		if rule.broken {
			return nil, errors.New("twilio.Client: " + rule.text)
		}
	}
	base, err := url.Parse(strings.TrimSuffix(parsed.String(), "/"))
	if err == nil {
		base.Host = strings.TrimSuffix(base.Host, ":") // a Host header must not have an empty port
	}
	return base, err
}

// isPrintableASCII reports whether s is printable ASCII without spaces. It
// catches a secret that was read from a file together with its line break, which
// Twilio would answer with a 401.
func isPrintableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// transport is used without an http.Client, which would follow redirects and
// keep cookies. Neither may happen here.
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
		WriteBufferSize:        c.writeBuffer(),
		DisableCompression:     true, // answers are small, and a body that was cut off should stay readable
		Protocols:              new(http.Protocols),
		// There is no ResponseHeaderTimeout. A send is not repeated after it was
		// written, so giving up early would only make its outcome unknown.
	}
	// HTTP/1 only: over HTTP/2, httptrace was seen to report requests as not
	// written although the server had received them completely.
	t.Protocols.SetHTTP1(true)
	return t
}

// writeBuffer is the size of net/http's buffer for a request. The whole head fits
// in, so nothing is written before attempt.leave allows it. Half of it is more than
// the parts of a head that are always the same need.
func (c *Client) writeBuffer() int {
	configured := len(c.BaseURL) + len(c.UserAgent) + 2*len(c.Username+c.Password) // base64 is shorter than twice
	return max(writeBuffer, writeBuffer/2+configured)
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

// Format prints what String returns for every verb, so that no verb shows the
// secret.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// LogValue keeps the credentials out of slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText keeps the credentials out of JSON and other encodings.
func (c *Client) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// newHeader makes the header of every request. The credentials are here and
// never in a URL, because URLs end up in errors. There is no Idempotency-Key
// header: Twilio does not know it, and net/http would repeat a POST that has one.
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

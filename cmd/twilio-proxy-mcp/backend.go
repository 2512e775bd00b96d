package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"twilio-proxy-mcp/cmd/internal/config"
	"twilio-proxy-mcp/cmd/internal/guard"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
	"twilio-proxy-mcp/twilio/fake/page"
)

// maxInFlight is the default number of simultaneous calls, and how many idle
// connections to the upstream are kept for reuse.
const maxInFlight = 1024

// A backend is where messages go: Twilio or the fake.
type backend struct {
	client  *twilio.Client
	fake    *fake.Fake // nil on the live backend
	page    string     // the URL of the fake's page; "" on the live backend
	account string     // the sender in the ledger: an account SID, or "(API key)" without one
	host    string     // the upstream in the ledger; it separates the fake's entries from live ones
	close   func()
}

// openBackend makes the backend. It sends no request.
func openBackend(c *Common) (*backend, error) {
	if c.Backend == "fake" { // no look at the credentials, which may be wrong
		return openFake(c)
	}
	who, err := credentialsFromEnvironment()
	if err != nil {
		return nil, err
	}
	kind := c.Backend
	if kind == "auto" {
		if kind = "live"; !who.given() {
			kind = "fake"
		}
		if kind == "fake" && os.Getenv("TWILIO_PROXY_BASE_URL") != "" {
			return nil, usageError{errors.New("TWILIO_PROXY_BASE_URL is set and there are no credentials: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (a fake accepts any account SID and any token), or --backend fake to use the built-in fake")}
		}
	}
	if kind == "fake" {
		return openFake(c)
	}
	if !who.given() {
		return nil, usageError{errors.New("--backend live needs credentials: set TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY with TWILIO_API_SECRET")}
	}
	baseURL, err := baseURLFromEnvironment()
	if err != nil {
		return nil, err
	}
	client := c.client(baseURL, who.username, who.password)
	if err := client.Check(); err != nil {
		return nil, usageError{err}
	}
	return &backend{client: client, account: who.account, host: upstreamName(baseURL), close: client.Close}, nil
}

func baseURLFromEnvironment() (string, error) {
	values := map[string]string{}
	for _, name := range []string{"TWILIO_PROXY_BASE_URL", "TWILIO_EDGE", "TWILIO_REGION"} {
		value, err := setting(name)
		if err != nil {
			return "", err
		}
		values[name] = value
	}
	baseURL, err := twilio.BaseURL(func(name string) string { return values[name] })
	if err != nil {
		return "", usageError{err}
	}
	return baseURL, nil
}

// The names of Twilio itself and of the built-in fake in the ledger.
const (
	twilioHost = "twilio.com"
	fakeHost   = "fake"
)

// upstreamName is the name of the upstream in the ledger. All edges of Twilio
// have one name, and so have all spellings of an address. Otherwise a message
// with an unknown outcome could be sent again after a change of the edge.
func upstreamName(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return baseURL
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	ip, err := netip.ParseAddr(host)
	if ip = ip.Unmap(); err == nil {
		host = ip.String() // an IPv6 address can be spelled in many ways
	}
	if host == "localhost" || ip.IsLoopback() {
		host = "loopback"
	}
	if strings.HasSuffix(host, ".twilio.com") {
		return twilioHost
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return host + ":" + port + strings.TrimRight(u.Path, "/")
}

func (c *Common) client(baseURL, username, password string) *twilio.Client {
	return &twilio.Client{
		BaseURL:     baseURL,
		Username:    username,
		Password:    password,
		Timeout:     c.Timeout,
		RateLimit:   c.RateLimit,
		MaxInFlight: maxInFlight,
		UserAgent:   "twilio-proxy-mcp/" + version(),
	}
}

// openFake serves the fake over real connections on loopback. So the client
// needs no code for the fake, and the fake's faults are real network faults.
func openFake(c *Common) (*backend, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the built-in fake cannot listen on loopback: %w", err)
	}
	f := fake.New(fake.Config{Page: page.Handler()})
	var guards guard.Guards // a web page can reach this port too
	server := &http.Server{Handler: guards.Origin(guards.Host(f)), ReadHeaderTimeout: 10 * time.Second, DisableGeneralOptionsHandler: true}
	go server.Serve(listener)
	at := "http://" + listener.Addr().String()
	client := c.client(at, fake.AccountSid, "fake")
	return &backend{client: client, fake: f, page: at + "/", account: fake.AccountSid, host: fakeHost, close: func() {
		client.Close()
		server.Close()
		f.Close()
	}}, client.Check()
}

// credentials come only from the environment, because every user of the
// machine can see command lines.
type credentials struct {
	username, password, account string
}

func (c credentials) given() bool { return c.username != "" }

// credentialsFromEnvironment returns the zero value when no variable is set, and
// an error when half of a pair is missing. That is a mistake, and the server must
// not silently use the fake then.
func credentialsFromEnvironment() (credentials, error) {
	token, err := secret("TWILIO_AUTH_TOKEN")
	if err != nil {
		return credentials{}, err
	}
	keySecret, err := secret("TWILIO_API_SECRET")
	if err != nil {
		return credentials{}, err
	}
	account, err := sid("TWILIO_ACCOUNT_SID", "AC")
	if err != nil {
		return credentials{}, err
	}
	key, err := sid("TWILIO_API_KEY", "SK")
	if err != nil {
		return credentials{}, err
	}
	const remedy = "; set both, or neither to use the built-in fake"
	switch {
	case account == "" && key == "" && token == "" && keySecret == "":
		return credentials{}, nil
	case (key == "") != (keySecret == ""):
		return credentials{}, usageError{errors.New("credentials are incomplete: TWILIO_API_KEY and TWILIO_API_SECRET belong together" + remedy)}
	case key != "":
		if account == "" {
			account = "(API key)" // the key's SID would change when the key is replaced
		}
		return credentials{key, keySecret, account}, nil
	case account == "" || token == "":
		return credentials{}, usageError{errors.New("credentials are incomplete: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN belong together" + remedy)}
	default:
		return credentials{account, token, account}, nil
	}
}

// sid reads a variable that holds a SID with this prefix. The error does not show the value, which may be a secret in
// the wrong place.
func sid(name, prefix string) (string, error) {
	value, err := setting(name)
	if err != nil || value == "" || regexp.MustCompile("^"+prefix+"[0-9a-fA-F]{32}$").MatchString(value) {
		return value, err
	}
	err = fmt.Errorf("%s: must be %s and 32 hexadecimal digits", name, prefix)
	switch odd := oddCharacter(value); {
	case odd != "":
		err = fmt.Errorf("%w, and has %s", err, odd)
	case prefix == "AC" && strings.HasPrefix(value, "SK"):
		err = fmt.Errorf("%w: an API key (SK...) belongs in TWILIO_API_KEY", err)
	case prefix == "SK" && strings.HasPrefix(value, "AC"):
		err = fmt.Errorf("%w: an account SID (AC...) belongs in TWILIO_ACCOUNT_SID", err)
	}
	return value, usageError{err}
}

// oddCharacter names the first character that no credential has, or is "". Basic authentication could not carry it.
func oddCharacter(value string) string {
	for _, r := range value {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("a space or an invisible or foreign character (%U)", r)
		}
	}
	return ""
}

// secret reads the variable name, or the file that the variable name_FILE names
// (the convention for secrets in containers). The error never holds the secret.
func secret(name string) (string, error) {
	value, err := setting(name)
	if err != nil {
		return "", err
	}
	from := name + "_FILE"
	file, err := config.File(os.Getenv(from), os.Getenv)
	switch {
	case err != nil:
		return "", usageError{fmt.Errorf("%s: %w", from, err)}
	case file != "" && value != "":
		return "", usageError{fmt.Errorf("%s and %s are both set; set one", name, from)}
	case file == "":
		from = name
	default:
		if value, err = config.Read(file); err != nil {
			return "", usageError{fmt.Errorf("%s: %w", from, err)}
		}
	}
	if config.IsSample(value) {
		return "", usageError{fmt.Errorf("%s: %w", from, config.ErrSample)}
	}
	if odd := oddCharacter(value); odd != "" {
		return "", usageError{fmt.Errorf("%s: has %s, which no secret of Twilio's has", from, odd)}
	}
	if kind := regexp.MustCompile("^([A-Z]{2})[0-9a-fA-F]{32}$").FindStringSubmatch(value); kind != nil {
		err := fmt.Errorf("%s: this is a SID, not a secret", from)
		if kind[1] == "AC" || kind[1] == "SK" {
			err = fmt.Errorf("%w: the two halves of the credentials were swapped", err)
		}
		return "", usageError{err}
	}
	return value, nil
}

// Package guard keeps unwanted HTTP requests away from a handler. It refuses foreign origins, foreign hosts, and callers
// without valid credentials.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Guards says which requests are admitted. The zero value admits requests that name a loopback host and do not come from
// a web page.
type Guards struct {
	// Origins are the admitted values of the Origin header, such as https://app.example. A request without an Origin
	// header does not come from a web page and is admitted.
	Origins []string
	// SameOrigin also admits an Origin that equals the Host header: the pages that this server itself serves. Use it
	// only together with the Host guard. Without that guard, any page could put its own name into both headers.
	SameOrigin bool
	// Methods are the methods that pages of admitted origins may use. Empty means GET and POST.
	Methods []string
	// Hosts are the admitted values of the Host header, each with or without a port. Empty means the loopback names
	// (localhost, 127.0.0.0/8, ::1). A page that makes its own name resolve to this machine cannot send those.
	Hosts []string
	// Tokens are the admitted bearer tokens. With several, one can be replaced while another is still in use.
	Tokens []string
	// OAuth admits access tokens of an authorization server; nil admits none.
	OAuth *OAuth
	// OriginSetting and HostSetting name what a person sets to admit an Origin or a Host, such as the flag
	// --allowed-origins. A refusal tells it. Empty means that it tells nothing.
	OriginSetting, HostSetting string
	// Refused is called for each refused request, with the guard that refused it: origin, host, token, scope, body and
	// so on. May be nil.
	Refused func(guard string)
	// Log logs refused requests; nil means no log.
	Log *RefusalLog
}

// ErrOpen is wrapped by Check's error when other machines can reach the listener and a guard is missing.
var ErrOpen = errors.New("not listening")

// These are wrapped by Check's errors about a setting that cannot be meant.
var (
	ErrOrigin = errors.New("matches no web page")
	ErrHost   = errors.New("matches no request")
	ErrIssuer = errors.New("must be an https URL")
	ErrToken  = errors.New("too short")
)

// Check returns an error if these guards are not enough for a listener at addr. The error says what to set.
func (g *Guards) Check(addr net.Addr) error {
	if g.OAuth != nil {
		if err := g.OAuth.check(); err != nil {
			return err
		}
	}
	if err := g.CheckNames(); err != nil {
		return err
	}
	for _, token := range g.Tokens {
		if len(token) < minTokenLength {
			return fmt.Errorf("a bearer token is %w: it has %d characters; make it at least %d, for instance with: openssl rand -hex 32", ErrToken, len(token), minTokenLength)
		}
	}
	if isLoopback(addr.String()) {
		return nil
	}
	if len(g.Tokens) == 0 && g.OAuth == nil {
		return fmt.Errorf("%w: %s can be reached from other machines and nothing says who may call: "+
			"set a bearer token or an OAuth issuer, or listen on a loopback address such as 127.0.0.1", ErrOpen, addr)
	}
	if len(g.Hosts) == 0 {
		return fmt.Errorf("%w: %s can be reached from other machines: "+
			"name the hosts that clients call it by, or listen on a loopback address such as 127.0.0.1", ErrOpen, addr)
	}
	return nil
}

// CheckNames returns an error, which wraps ErrOrigin or ErrHost, if one of Origins or Hosts can match nothing.
func (g *Guards) CheckNames() error {
	for _, origin := range g.Origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	for _, host := range g.Hosts {
		if err := checkHost(host); err != nil {
			return err
		}
	}
	return nil
}

// minTokenLength is in characters. A random token of this length is too long to guess.
const minTokenLength = 16

// errNoToken means that a request has no credentials.
var errNoToken = errors.New("no bearer token")

type callerKey struct{}

// Caller names the caller whose credentials Authorize admitted. It is "" when Authorize asks for no credentials.
func Caller(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// Package guard keeps unwanted HTTP requests away from a handler: foreign origins, foreign hosts, and callers who do
// not show that they may.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Guards is what is let in. The zero value admits requests to loopback host names that come from no web page.
type Guards struct {
	// Origins are the values of the Origin header that are admitted, like https://app.example. Requests without an
	// Origin do not come from a web page and are admitted.
	Origins []string
	// SameOrigin also admits the Origin that the Host header names: the pages that the server itself serves. It is safe
	// behind the Host guard, without which any page could name its own host.
	SameOrigin bool
	// Methods are what pages of admitted origins may use; none: GET and POST.
	Methods []string
	// Hosts are the host names that are admitted in the Host header, each with or without a port. None: the loopback
	// names (localhost, 127.0.0.0/8, ::1), which a web page cannot make a browser send for a name of its own.
	Hosts []string
	// Tokens are the bearer tokens that are admitted; with several, one can be replaced while another is still in use.
	Tokens []string
	// OAuth admits access tokens of an authorization server; nil admits none.
	OAuth *OAuth
	// Refused is told of each request that is refused and which guard did it: origin, host, token, scope. May be nil.
	Refused func(guard string)
}

// ErrOpen is the reason of Check where a listener is open to other machines and a guard is missing.
var ErrOpen = errors.New("not listening")

// Check says what is missing before these guards may stand before a listener at addr, and how to go on.
func (g *Guards) Check(addr net.Addr) error {
	if g.OAuth != nil {
		if err := g.OAuth.check(); err != nil {
			return err
		}
	}
	for _, origin := range g.Origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	for _, token := range g.Tokens {
		if len(token) < minTokenLength {
			return fmt.Errorf("a bearer token has %d characters; make it at least %d, for instance with: openssl rand -hex 32", len(token), minTokenLength)
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

// minTokenLength keeps out what could be guessed; chosen.
const minTokenLength = 16

// errNoToken is the reason for refusing a request without credentials.
var errNoToken = errors.New("no bearer token")

func (g *Guards) refuse(w http.ResponseWriter, guard string, status int, text string) {
	if g.Refused != nil {
		g.Refused(guard)
	}
	http.Error(w, text, status)
}

type callerKey struct{}

// Caller says whose credentials Authorize admitted; "" when it asked for none.
func Caller(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

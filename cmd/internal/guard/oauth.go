package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// MetadataPath is where clients look for what they need to get a token (RFC 9728, section 3).
const MetadataPath = "/.well-known/oauth-protected-resource"

// OAuth makes the server an OAuth 2.1 resource server: it admits JWT access tokens that Issuer signed for Audience.
// The issuer is first asked for its keys when a token arrives, and again when one names a key that is new.
type OAuth struct {
	Issuer   string   // the authorization server's issuer identifier; https, unless it is on this machine
	Audience string   // must be among the token's aud
	Scopes   []string // must all be among the token's scope (or scp)
	Resource string   // this server's URL as clients know it; "" = Audience, when that is a URL

	Client *http.Client // for the issuer's keys; nil: one that gives up after 10 s (chosen)

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	limit    *rate.Limiter
}

func (o *OAuth) check() error {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "https" && !(issuer.Scheme == "http" && isLoopback(issuer.Host)) {
		return fmt.Errorf("the OAuth issuer %q must be an https URL", o.Issuer)
	}
	if o.Audience == "" {
		return errors.New("the OAuth issuer needs an audience: without one, a token for any other service would be admitted")
	}
	if resource, err := url.Parse(o.resource()); err != nil || resource.Host == "" {
		return fmt.Errorf("the OAuth audience %q is not a URL: say by which URL clients know this server", o.Audience)
	}
	return nil
}

func (o *OAuth) resource() string {
	if o.Resource != "" {
		return o.Resource
	}
	return o.Audience
}

// metadataURL puts the well-known path between the resource's host and its path (RFC 9728, section 3.1).
func (o *OAuth) metadataURL() string {
	resource, err := url.Parse(o.resource())
	if err != nil {
		return MetadataPath
	}
	return resource.Scheme + "://" + resource.Host + MetadataPath + strings.TrimSuffix(resource.Path, "/")
}

// Metadata serves the protected resource's metadata (RFC 9728). It is for everyone.
func (o *OAuth) Metadata() http.Handler {
	body, err := json.Marshal(struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
	}{o.resource(), []string{o.Issuer}, o.Scopes, []string{"header"}})
	if err != nil {
		panic(err) // strings only
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

// subject verifies an access token and says whom it was given to.
func (o *OAuth) subject(ctx context.Context, token string) (string, error) {
	verifier, err := o.keys()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errIssuer, err)
	}
	var fetching error
	verified, err := verifier.Verify(context.WithValue(ctx, fetchErrorKey{}, &fetching), token)
	switch {
	case fetching != nil:
		return "", fmt.Errorf("%w: %w", errIssuer, fetching)
	case err != nil:
		return "", fmt.Errorf("%w: %w", errBadToken, err)
	}
	var claims struct {
		Scope scopes `json:"scope"`
		Scp   scopes `json:"scp"`
	}
	if err := verified.Claims(&claims); err != nil || verified.Subject == "" {
		return "", fmt.Errorf("%w: malformed claims", errBadToken)
	}
	for _, scope := range o.Scopes {
		if !slices.Contains(claims.Scope, scope) && !slices.Contains(claims.Scp, scope) {
			return "", errScope
		}
	}
	return verified.Subject, nil
}

// scopes are words in a string (RFC 8693) or strings in an array, as some authorization servers write them.
type scopes []string

func (s *scopes) UnmarshalJSON(raw []byte) error {
	var words string
	if json.Unmarshal(raw, &words) == nil {
		*s = strings.Fields(words)
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

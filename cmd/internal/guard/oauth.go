package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MetadataPath is where clients look up how to get a token (RFC 9728, section 3).
const MetadataPath = "/.well-known/oauth-protected-resource"

// OAuth makes the server an OAuth 2.1 resource server. It admits JWT access tokens that Issuer signed for Audience. The
// issuer's keys are fetched when the first token arrives, when a token is signed with an unknown key, and when they are
// older than ten minutes.
type OAuth struct {
	Issuer   string   // the authorization server's issuer identifier; https, unless it is on this machine
	Audience string   // must be in the token's aud claim
	Scopes   []string // must all be in the token's scope (or scp) claim
	Resource string   // this server's URL as clients know it; "" means Audience, which must then be a URL

	Client *http.Client // fetches the issuer's keys, for at most 10 s; nil means http.DefaultClient
	Log    *slog.Logger // gets one line for each failed fetch of the keys; nil means no log

	mu      sync.Mutex
	keys    *keySet   // nil until the first fetch succeeds
	keysEnd time.Time // when to fetch them again
	last    *fetch
	limit   *rate.Limiter
}

// ErrResource is wrapped by Check's error when the metadata would name no usable URL of this server.
var ErrResource = errors.New("is not a URL with http or https: say by which URL clients know this server")

func (o *OAuth) check() error {
	if !isSecure(o.Issuer) {
		return fmt.Errorf("the OAuth issuer %q %w", o.Issuer, ErrIssuer)
	}
	if o.Audience == "" {
		return errors.New("the OAuth issuer needs an audience: without one, a token for any other service would be admitted")
	}
	resource, err := url.Parse(o.resource())
	switch {
	case err == nil && resource.Host != "" && (resource.Scheme == "https" || resource.Scheme == "http"):
		return nil
	case o.Resource != "":
		return fmt.Errorf("the OAuth resource %q %w", o.Resource, ErrResource)
	default:
		return fmt.Errorf("the OAuth audience %q %w", o.Audience, ErrResource)
	}
}

// isSecure reports whether an answer from this URL cannot be changed on its way: https, or plain http on this machine.
func isSecure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Host))
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

// Metadata serves the protected resource's metadata (RFC 9728). It needs no credentials.
func (o *OAuth) Metadata() http.Handler {
	body, err := json.Marshal(struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
	}{o.resource(), []string{o.Issuer}, o.Scopes, []string{"header"}})
	if err != nil {
		panic(err) // cannot happen: there are only strings
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

// subject verifies an access token and returns its issuer and subject. Both are needed: a subject is unique only within
// its issuer.
func (o *OAuth) subject(ctx context.Context, raw string) (string, error) {
	current, err := o.currentKeys(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errIssuer, err)
	}
	token, err := o.verify(ctx, current, raw)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errBadToken, err)
	}
	for _, scope := range o.Scopes {
		if !slices.Contains(token.Scope, scope) && !slices.Contains(token.Scp, scope) {
			return "", errScope
		}
	}
	return o.Issuer + " " + token.Subject, nil
}

package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

// Times of an issuer's keys; chosen.
const (
	fetchTimeout = 10 * time.Second // for all of one fetch
	failureStays = 5 * time.Second  // what a failed fetch is the answer for
	keysStay     = 10 * time.Minute // until they are fetched again: what the issuer withdrew is trusted no longer
	retryKeys    = time.Minute      // until that is tried again when it failed
)

// maxIssuerAnswer is how many bytes of an issuer's answer are read; chosen.
const maxIssuerAnswer = 1 << 20

// algorithms are those with a public key; symmetric ones and "none" have no place in a token for another party.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// fetch is one time that the issuer is asked for its keys, for all who wait for it.
type fetch struct {
	done  chan struct{} // closed when the rest is set
	keys  *oidc.StaticKeySet
	err   error
	stays time.Time // until when it is the answer, if it failed
}

func (f *fetch) wait(ctx context.Context) (*oidc.StaticKeySet, error) {
	select {
	case <-f.done:
		return f.keys, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// known are the issuer's keys, fetched when there are none yet or they are old. Old ones serve while there are no others.
func (o *OAuth) known(ctx context.Context) (*oidc.StaticKeySet, error) {
	o.mu.Lock()
	known := o.keys
	if known != nil && time.Now().Before(o.keysEnd) {
		o.mu.Unlock()
		return known, nil
	}
	f := o.ask()
	o.mu.Unlock()
	fetched, err := f.wait(ctx)
	if err != nil && known != nil {
		return known, nil
	}
	return fetched, err
}

// newer are the keys after these, when a token has none of these; nil when there are none.
func (o *OAuth) newer(ctx context.Context, known *oidc.StaticKeySet) *oidc.StaticKeySet {
	o.mu.Lock()
	if o.keys != known { // fetched meanwhile
		defer o.mu.Unlock()
		return o.keys
	}
	f := o.ask()
	o.mu.Unlock()
	if fetched, err := f.wait(ctx); err == nil && fetched != known {
		return fetched
	}
	return nil
}

// ask has the issuer asked by a goroutine of its own, or returns the fetch that is under way or has just failed. It asks
// no more than six times a minute after the first five, as every token with a made-up key calls for it (chosen). o.mu
// is held.
func (o *OAuth) ask() *fetch {
	if o.limit == nil {
		o.limit = rate.NewLimiter(rate.Every(10*time.Second), 5)
	}
	if last := o.last; last != nil {
		select {
		case <-last.done:
			if last.err != nil && time.Now().Before(last.stays) || !o.limit.Allow() {
				return last
			}
		default:
			return last
		}
	} else {
		o.limit.Allow()
	}
	o.last = &fetch{done: make(chan struct{})}
	go o.run(o.last)
	return o.last
}

func (o *OAuth) run(f *fetch) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	keys, err := o.fetchKeys(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer close(f.done)
	if err != nil {
		f.err, f.stays, o.keysEnd = err, time.Now().Add(failureStays), time.Now().Add(retryKeys)
		if o.Log != nil {
			o.Log.Error("the authorization server's keys cannot be had", "error", err)
		}
		return
	}
	f.keys, o.keys, o.keysEnd = keys, keys, time.Now().Add(keysStay)
}

func (o *OAuth) fetchKeys(ctx context.Context) (*oidc.StaticKeySet, error) {
	where, err := o.discover(ctx)
	if err != nil {
		return nil, err
	}
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := o.get(ctx, where, &published); err != nil {
		return nil, err
	}
	if published.Keys == nil {
		return nil, fmt.Errorf("%s holds no keys", where)
	}
	keys := &oidc.StaticKeySet{}
	for _, raw := range published.Keys {
		var key jose.JSONWebKey // what it cannot hold, or is for something else, is left aside (RFC 7517, section 5)
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && (key.Use == "sig" || key.Use == "") {
			keys.PublicKeys = append(keys.PublicKeys, key.Key)
		}
	}
	return keys, nil
}

// discover finds where the keys are, as OpenID Connect has it or as OAuth does (RFC 8414, section 3.1).
func (o *OAuth) discover(ctx context.Context) (string, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(issuer.Path, "/")
	host := issuer.Scheme + "://" + issuer.Host
	var failed error
	for _, document := range []string{
		host + path + "/.well-known/openid-configuration",
		host + "/.well-known/oauth-authorization-server" + path,
	} {
		var about struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		err := o.get(ctx, document, &about)
		if err == nil && about.Issuer != o.Issuer {
			err = fmt.Errorf("%s is about %q", document, about.Issuer)
		}
		if err == nil && !isSecure(about.Keys) {
			err = fmt.Errorf("%s names no keys at an https URL", document)
		}
		if err == nil {
			return about.Keys, nil
		}
		failed = errors.Join(failed, err)
	}
	return "", failed
}

func (o *OAuth) get(ctx context.Context, where string, value any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return err
	}
	client := o.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", where, response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxIssuerAnswer)).Decode(value); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// keySet checks signatures with the keys that were known when a token came, and then with newer ones.
type keySet struct {
	of    *OAuth
	known *oidc.StaticKeySet
}

// VerifySignature is oidc.KeySet's.
func (k keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.known.VerifySignature(ctx, token)
	if err == nil {
		return payload, nil
	}
	if newer := k.of.newer(ctx, k.known); newer != nil {
		return newer.VerifySignature(ctx, token)
	}
	return nil, err
}

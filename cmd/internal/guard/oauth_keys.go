package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// errFetch marks every failure to get something from the issuer.
var errFetch = errors.New("the issuer did not answer")

// algorithms are those with a public key; symmetric ones and "none" have no place in a token for another party.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// keys asks the issuer where its keys are the first time that they are needed.
func (o *OAuth) keys() (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier != nil {
		return o.verifier, nil
	}
	client := http.Client{Timeout: 10 * time.Second}
	if o.Client != nil {
		client = *o.Client
	}
	if o.limit == nil {
		o.limit = rate.NewLimiter(rate.Every(10*time.Second), 5)
	}
	client.Transport = &fetches{next: client.Transport, limit: o.limit}
	ctx := oidc.ClientContext(context.Background(), &client)
	provider, err := oidc.NewProvider(ctx, o.Issuer)
	if err != nil {
		return nil, err
	}
	var discovered struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&discovered); err != nil || discovered.Keys == "" {
		return nil, fmt.Errorf("%s names no keys", o.Issuer)
	}
	set := &keySet{remote: oidc.NewRemoteKeySet(ctx, discovered.Keys)}
	o.verifier = oidc.NewVerifier(o.Issuer, set, &oidc.Config{ClientID: o.Audience, SupportedSigningAlgs: algorithms})
	return o.verifier, nil
}

// fetches asks the issuer no more than six times a minute after the first five, as every token with a made-up key id
// asks for it to be asked (chosen).
type fetches struct {
	next  http.RoundTripper // nil: http.DefaultTransport
	limit *rate.Limiter
}

// RoundTrip fails with errFetch for whatever is no 200.
func (f *fetches) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.limit.Allow() {
		return nil, fmt.Errorf("%w: asked too often", errFetch)
	}
	next := f.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%w: status %d", errFetch, response.StatusCode)
	}
	return response, nil
}

type fetchErrorKey struct{}

// keySet reports errFetch around the verifier, which keeps only an error's text.
type keySet struct{ remote *oidc.RemoteKeySet }

func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	if to, ok := ctx.Value(fetchErrorKey{}).(*error); ok && (errors.Is(err, errFetch) || errors.Is(err, context.DeadlineExceeded)) {
		*to = err
	}
	return payload, err
}

package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const (
	fetchTimeout = 10 * time.Second // for one whole fetch, which is up to three requests
	failureTTL   = 5 * time.Second  // a failed fetch is not repeated for this long
	keysTTL      = 10 * time.Minute // a key that the issuer withdraws is trusted no longer than this
	keysRetry    = time.Minute      // after a refresh failed, the next one waits this long
)

// maxIssuerAnswer is how many bytes of an issuer's answer are read.
const maxIssuerAnswer = 1 << 20

// fetch is one fetch of the issuer's keys. All requests that need the keys during it wait for the same fetch.
type fetch struct {
	done      chan struct{} // closed when the other fields are set
	keys      *keySet
	err       error
	failUntil time.Time // a failed fetch is not repeated before this time
}

func (f *fetch) wait(ctx context.Context) (*keySet, error) {
	select {
	case <-f.done:
		return f.keys, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// currentKeys returns the issuer's keys. It fetches them if there are none or they are old. If that fails, it returns the
// old keys.
func (o *OAuth) currentKeys(ctx context.Context) (*keySet, error) {
	o.mu.Lock()
	current := o.keys
	if current != nil && time.Now().Before(o.keysEnd) {
		o.mu.Unlock()
		return current, nil
	}
	f := o.startFetch()
	o.mu.Unlock()
	fetched, err := f.wait(ctx)
	if err != nil && current != nil {
		return current, nil
	}
	return fetched, err
}

// newerKeys returns keys that are newer than the given ones, for a token that was signed with none of those. It returns
// nil if there are none.
func (o *OAuth) newerKeys(ctx context.Context, than *keySet) *keySet {
	o.mu.Lock()
	if o.keys != than { // another request fetched them
		defer o.mu.Unlock()
		return o.keys
	}
	f := o.startFetch()
	o.mu.Unlock()
	if fetched, err := f.wait(ctx); err == nil && fetched != than {
		return fetched
	}
	return nil
}

// startFetch starts a fetch in its own goroutine, or returns the one that is under way or has just failed. Every token
// with a made-up key leads here, so fetches are limited: five at once, then one every ten seconds. The caller holds o.mu.
func (o *OAuth) startFetch() *fetch {
	if o.limit == nil {
		o.limit = rate.NewLimiter(rate.Every(10*time.Second), 5)
	}
	if last := o.last; last != nil {
		select {
		case <-last.done:
			if last.err != nil && time.Now().Before(last.failUntil) || !o.limit.Allow() {
				return last
			}
		default:
			return last
		}
	} else {
		o.limit.Allow()
	}
	o.last = &fetch{done: make(chan struct{})}
	go o.runFetch(o.last)
	return o.last
}

func (o *OAuth) runFetch(f *fetch) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	keys, err := o.fetchKeys(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer close(f.done)
	if err != nil {
		f.err, f.failUntil, o.keysEnd = err, time.Now().Add(failureTTL), time.Now().Add(keysRetry)
		if o.Log != nil {
			o.Log.Error("the authorization server's keys could not be fetched", "error", err)
		}
		return
	}
	f.keys, o.keys, o.keysEnd = keys, keys, time.Now().Add(keysTTL)
}

func (o *OAuth) fetchKeys(ctx context.Context) (*keySet, error) {
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
		return nil, fmt.Errorf("%s has no list of keys", where)
	}
	keys := &keySet{}
	for _, raw := range published.Keys {
		var key jose.JSONWebKey // keys of an unknown kind or for another use are ignored (RFC 7517, section 5)
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && (key.Use == "sig" || key.Use == "") {
			keys.keys = append(keys.keys, key)
		}
	}
	return keys, nil
}

// discover finds the URL of the keys. It tries the metadata path of OpenID Connect first, then the one of OAuth (RFC 8414,
// section 3.1).
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
		var metadata struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		err := o.get(ctx, document, &metadata)
		if err == nil && metadata.Issuer != o.Issuer {
			err = fmt.Errorf("%s describes another issuer, %q", document, metadata.Issuer)
		}
		if err == nil && !isSecure(metadata.Keys) {
			err = fmt.Errorf("the jwks_uri in %s is not an https URL", document)
		}
		if err == nil {
			return metadata.Keys, nil
		}
		failed = errors.Join(failed, err)
	}
	return "", failed
}

// checkRedirect follows up to ten redirects, as net/http does, but none to where the answer could be changed on its way.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if !isSecure(r.URL.String()) {
		return errors.New("redirected to what is not an https URL")
	}
	if len(via) >= 10 {
		return errors.New("too many redirects")
	}
	return nil
}

func (o *OAuth) get(ctx context.Context, where string, value any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return err
	}
	client := *cmp.Or(o.Client, http.DefaultClient)
	client.CheckRedirect = checkRedirect
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

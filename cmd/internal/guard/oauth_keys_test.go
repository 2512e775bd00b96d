package guard

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// onlyHandler is a network with one host, in memory. A real network would not work in a synctest bubble.
type onlyHandler struct{ handler http.Handler }

func (o onlyHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	o.handler.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func issuerInMemory(t *testing.T, url, metadataPath string) *issuer {
	i := &issuer{Server: &httptest.Server{URL: url}}
	i.rotate(t, "first")
	i.client = &http.Client{Transport: onlyHandler{i.handler(metadataPath)}}
	return i
}

// status sends a request with a token. It returns the status, the header, and how long the answer took.
func status(ctx context.Context, g *Guards, token string) (int, http.Header, time.Duration) {
	start := time.Now()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	g.Authorize(admitted).ServeHTTP(answer, r)
	return answer.Code, answer.Header(), time.Since(start)
}

func requireStatus(t *testing.T, want int, g *Guards, token string) {
	t.Helper()
	got, header, took := status(t.Context(), g, token)
	require.Equal(t, want, got)
	require.Zero(t, took)
	if want == http.StatusUnauthorized {
		require.Contains(t, header.Get("WWW-Authenticate"), `error="invalid_token"`)
	}
	if want == http.StatusServiceUnavailable {
		require.NotEmpty(t, header.Get("Retry-After"))
	}
}

const discovery = "/.well-known/openid-configuration"

func TestOAuthAnIssuerThatHangsDelaysNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		answering := i.client.Transport
		var asked atomic.Int64
		i.client.Transport = onlyHandler{http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			<-r.Context().Done()
		})}
		g := i.guards()
		answers := make(chan time.Duration, 100)
		for range cap(answers) {
			go func() {
				_, _, took := status(t.Context(), g, "a.b.c")
				answers <- took
			}()
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, took := status(gone, g, "a.b.c")
		require.Equal(t, time.Second, took, "a caller that gives up does not wait for the fetch")
		for range cap(answers) {
			require.Equal(t, fetchTimeout, <-answers)
		}
		before := asked.Load()
		require.LessOrEqual(t, before, int64(2), "all callers share one fetch, which asks for at most two documents")
		requireStatus(t, http.StatusServiceUnavailable, g, "a.b.c") // at once, because the fetch has just failed
		require.Equal(t, before, asked.Load())
		i.client.Transport = answering
		time.Sleep(failureTTL)
		requireStatus(t, http.StatusTeapot, g, i.token(t, nil))
	})
}

func TestOAuthSaysTryAgainWhenTheIssuerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		var log strings.Builder
		g := i.guards()
		g.OAuth.Log = slog.New(slog.NewTextHandler(&log, nil))
		i.broken.Store(true)
		for range 100 {
			requireStatus(t, http.StatusServiceUnavailable, g, i.token(t, nil))
		}
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "one line for each fetch, not for each request")
		require.Contains(t, log.String(), "status 502")
		i.broken.Store(false)
		time.Sleep(failureTTL)
		requireStatus(t, http.StatusTeapot, g, i.token(t, nil))
	})
}

func TestOAuthAWithdrawnKeyIsNoLongerTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		g := i.guards()
		withdrawn := i.token(t, func(claims map[string]any) { claims["exp"] = time.Now().Add(time.Hour).Unix() })
		requireStatus(t, http.StatusTeapot, g, withdrawn)
		i.rotate(t, "second")
		i.broken.Store(true)
		time.Sleep(keysTTL + time.Second)
		requireStatus(t, http.StatusTeapot, g, withdrawn) // the refresh fails, so the old keys still count
		i.broken.Store(false)
		time.Sleep(keysRetry + time.Second)
		requireStatus(t, http.StatusUnauthorized, g, withdrawn)
		requireStatus(t, http.StatusTeapot, g, i.token(t, nil))
	})
}

func TestOAuthManyForgedTokensAreAllRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		var log strings.Builder
		g := i.guards()
		g.OAuth.Log = slog.New(slog.NewTextHandler(&log, nil))
		requireStatus(t, http.StatusTeapot, g, i.token(t, nil))
		forged := issuerInMemory(t, i.URL, discovery).token(t, nil)
		i.broken.Store(true) // every further fetch fails
		for range 100 {
			requireStatus(t, http.StatusUnauthorized, g, forged)
			time.Sleep(100 * time.Millisecond)
		}
		require.LessOrEqual(t, strings.Count(log.String(), "level=ERROR"), 3)
	})
}

func TestOAuthMetadataIsFoundWithoutOpenIDConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ url, metadataPath string }{
			{"https://auth.example", "/.well-known/oauth-authorization-server"},
			{"https://auth.example/tenant", "/.well-known/oauth-authorization-server/tenant"},
			{"https://auth.example/tenant/", "/.well-known/oauth-authorization-server/tenant"},
			{"https://auth.example/tenant", "/tenant" + discovery},
		} {
			i := issuerInMemory(t, c.url, c.metadataPath)
			mux := i.handler(c.metadataPath)
			i.client.Transport = onlyHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/keys") {
					r.URL.Path = "/keys"
				}
				mux.ServeHTTP(w, r)
			})}
			requireStatus(t, http.StatusTeapot, i.guards(), i.token(t, nil))
		}
	})
}

func TestOAuthRefusesMetadataOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, document := range map[string]string{
			"another issuer":  `{"issuer":"https://evil.example","jwks_uri":"https://auth.example/keys"}`,
			"keys in clear":   `{"issuer":"https://auth.example","jwks_uri":"http://auth.example/keys"}`,
			"no keys at all":  `{"issuer":"https://auth.example"}`,
			"something else":  `<html>`,
			"another's shape": `[]`,
		} {
			i := issuerInMemory(t, "https://auth.example", discovery)
			mux := i.handler("/unused")
			i.client.Transport = onlyHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/keys" {
					mux.ServeHTTP(w, r)
					return
				}
				_, _ = w.Write([]byte(document))
			})}
			got, _, _ := status(t.Context(), i.guards(), i.token(t, nil))
			require.Equal(t, http.StatusServiceUnavailable, got, name)
		}
	})
}

func TestOAuthATokenIsRefusedFromItsExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		g, token := i.guards(), i.token(t, nil) // for a minute
		time.Sleep(time.Minute - time.Nanosecond)
		requireStatus(t, http.StatusTeapot, g, token)
		time.Sleep(time.Nanosecond)
		requireStatus(t, http.StatusUnauthorized, g, token)
	})
}

func TestOAuthFollowsNoRedirectToAnAddressWithoutTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, path := range []string{discovery, "/keys"} {
			for to, want := range map[string]int{"http://auth.example": http.StatusServiceUnavailable, "https://other.example": http.StatusTeapot} {
				i := issuerInMemory(t, "https://auth.example", discovery)
				mux := i.handler(discovery)
				i.client.Transport = onlyHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Scheme+"://"+r.URL.Host == i.URL && r.URL.Path == path {
						http.Redirect(w, r, to+path, http.StatusFound)
						return
					}
					mux.ServeHTTP(w, r)
				})}
				got, _, _ := status(t.Context(), i.guards(), i.token(t, nil))
				require.Equal(t, want, got, "%s from %s", to, path)
			}
		}
	})
}

func TestOAuthWhatIsNoListOfKeysIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, keys := range map[string]http.HandlerFunc{
			"no list":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) },
			"no object": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[]`)) },
			"too long": func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("x", maxIssuerAnswer) + `","keys":[]}`))
			},
			"a redirect without an end": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) },
		} {
			i := issuerInMemory(t, "https://auth.example", discovery)
			mux := i.handler(discovery)
			i.client.Transport = onlyHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/keys" {
					keys(w, r)
					return
				}
				mux.ServeHTTP(w, r)
			})}
			got, _, _ := status(t.Context(), i.guards(), i.token(t, nil))
			require.Equal(t, http.StatusServiceUnavailable, got, name)
		}
	})
}

func TestOAuthIgnoresKeysThatAreNotForSigning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuerInMemory(t, "https://auth.example", discovery)
		mux := i.handler(discovery)
		i.client.Transport = onlyHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/keys" {
				mux.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, r)
			_, _ = w.Write([]byte(strings.Replace(answer.Body.String(), `{"keys":[`,
				`{"keys":[{"kty":"unheard-of","kid":"x"},{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"s"},`, 1)))
		})}
		requireStatus(t, http.StatusTeapot, i.guards(), i.token(t, nil))
	})
}

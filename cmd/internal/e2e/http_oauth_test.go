package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

const audience = "https://mcp.example/mcp"

// An issuer is an authorization server with one key.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func startIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// token returns an access token that is valid for a minute. The claims replace the
// usual ones.
func (i *issuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": i.URL, "aud": audience, "sub": "agent-1", "scope": "messages:send", "exp": time.Now().Add(time.Minute).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "k"}}, nil)
	require.NoError(t, err)
	token, err := jwt.Signed(signer).Claims(all).Serialize()
	require.NoError(t, err)
	return token
}

func TestOAuth(t *testing.T) {
	i, stranger := startIssuer(t), startIssuer(t)
	f, env := startFake(t)
	s := startHTTP(t, environment(t, env...), "--oauth-issuer", i.URL, "--oauth-audience", audience, "--oauth-scopes", "messages:send")
	call := rpc(1, "tools/call", sendParams("hello", nil))
	var refused []string
	for name, c := range map[string]struct {
		caller *site
		status int
		says   string
	}{
		"no token":       {s, http.StatusUnauthorized, `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`},
		"another's key":  {s.bearer(stranger.token(t, map[string]any{"iss": i.URL})), http.StatusUnauthorized, "invalid_token"},
		"another's":      {s.bearer(stranger.token(t, nil)), http.StatusUnauthorized, "invalid_token"},
		"other audience": {s.bearer(i.token(t, map[string]any{"aud": "https://other.example"})), http.StatusUnauthorized, "invalid_token"},
		"expired":        {s.bearer(i.token(t, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})), http.StatusUnauthorized, "invalid_token"},
		"expiry in text": {s.bearer(i.token(t, map[string]any{"exp": "4000000000"})), http.StatusUnauthorized, "invalid_token"},
		"ID token":       {s.bearer(i.token(t, map[string]any{"at_hash": "h"})), http.StatusUnauthorized, "invalid_token"},
		"logout token":   {s.bearer(i.token(t, map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}}})), http.StatusUnauthorized, "invalid_token"},
		"other scope":    {s.bearer(i.token(t, map[string]any{"scope": "messages:read"})), http.StatusForbidden, `error="insufficient_scope", scope="messages:send"`},
	} {
		r := c.caller.post(call)
		require.Equal(t, c.status, r.status, name)
		require.Contains(t, r.header.Get("WWW-Authenticate"), c.says, name)
		refused = append(refused, strings.TrimPrefix(c.caller.header["Authorization"], "Bearer "))
	}
	require.Zero(t, f.Accepted())

	caller := s.bearer(i.token(t, nil))
	require.Equal(t, "sent", caller.send("hello").outcome().Code)
	again := s.bearer(i.token(t, map[string]any{"exp": time.Now().Add(2 * time.Minute).Unix()}))
	require.True(t, again.send("hello").outcome().Replayed, "the same subject is the same caller")
	other := s.bearer(i.token(t, map[string]any{"sub": "agent-2"}))
	require.False(t, other.send("hello").outcome().Replayed)
	require.Equal(t, 2, f.Accepted())
	require.Equal(t, "1", caller.sample(`twilio_proxy_mcp_refused_requests_total{guard="scope"}`))

	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		r := s.get(path)
		require.Equal(t, http.StatusOK, r.status)
		require.JSONEq(t, `{"resource":"https://mcp.example/mcp","authorization_servers":["`+i.URL+`"],"scopes_supported":["messages:send"],"bearer_methods_supported":["header"]}`, r.body)
	}
	s.stop()
	for _, token := range append(refused, caller.header["Authorization"][len("Bearer "):]) {
		for part := range strings.SplitSeq(token, ".") {
			if part != "" {
				require.NotContains(t, s.stderr.String(), part)
			}
		}
	}

	_, errOut, code := run(t, environment(t, env...), "", "http", "--addr", "127.0.0.1:0", "--oauth-issuer", i.URL)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "--oauth-audience")
}

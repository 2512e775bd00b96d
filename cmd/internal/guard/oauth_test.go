package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

// issuer is an authorization server with one key at a time.
type issuer struct {
	*httptest.Server
	client  *http.Client // nil if the issuer is on the network
	key     *ecdsa.PrivateKey
	keyID   string
	publish []jose.JSONWebKey // instead of the one key, when set
	fetched atomic.Int64      // how often the keys were requested
	broken  atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.rotate(t, "first")
	i.Server = httptest.NewServer(i.handler("/.well-known/openid-configuration"))
	t.Cleanup(i.Close)
	return i
}

// handler serves the issuer's keys, and its metadata at metadataPath.
func (i *issuer) handler(metadataPath string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(metadataPath, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		if i.broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		published := i.publish
		if published == nil {
			published = []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.keyID, Algorithm: "ES256", Use: "sig"}}
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: published})
	})
	return mux
}

func (i *issuer) rotate(t *testing.T, id string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i.key, i.keyID = key, id
}

func (i *issuer) token(t *testing.T, change func(claims map[string]any)) string {
	claims := i.claims()
	if change != nil {
		change(claims)
	}
	return sign(t, jose.ES256, i.key, i.keyID, claims)
}

// claims returns the claims of a token that is valid for a minute.
func (i *issuer) claims() map[string]any {
	return map[string]any{
		"iss": i.URL, "aud": []string{"https://mcp.example/mcp"}, "sub": "user-1",
		"exp": time.Now().Add(time.Minute).Unix(), "scope": "read send",
	}
}

// unsigned returns a token whose header says that it needs no signature.
func unsigned(t *testing.T, claims map[string]any, signature string) string {
	encoded, err := json.Marshal(claims)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"first"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(encoded) + "." + signature
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	require.NoError(t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return token
}

func (i *issuer) guards() *Guards {
	return &Guards{OAuth: &OAuth{Issuer: i.URL, Audience: "https://mcp.example/mcp", Scopes: []string{"send"}, Client: i.client}}
}

func present(t *testing.T, g *Guards, token string) *http.Response {
	return ask(t, g.Authorize(admitted), http.MethodPost, func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})
}

func TestOAuthAdmitsAndRefuses(t *testing.T) {
	i := newIssuer(t)
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	other := newIssuer(t)
	claims := i.claims()
	published, err := json.Marshal(jose.JSONWebKey{Key: i.key.Public(), KeyID: "first", Algorithm: "ES256", Use: "sig"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"valid":           {i.token(t, nil), http.StatusTeapot},
		"audience alone":  {i.token(t, set("aud", "https://mcp.example/mcp")), http.StatusTeapot},
		"scp array":       {i.token(t, func(c map[string]any) { delete(c, "scope"); c["scp"] = []string{"send"} }), http.StatusTeapot},
		"scope missing":   {i.token(t, set("scope", "read")), http.StatusForbidden},
		"scope is a part": {i.token(t, set("scope", "sending")), http.StatusForbidden},
		"other audience":  {i.token(t, set("aud", []string{"https://other.example"})), http.StatusUnauthorized},
		"other issuer":    {i.token(t, set("iss", "https://evil.example")), http.StatusUnauthorized},
		"expired":         {i.token(t, set("exp", time.Now().Add(-time.Minute).Unix())), http.StatusUnauthorized},
		"no expiry":       {i.token(t, func(c map[string]any) { delete(c, "exp") }), http.StatusUnauthorized},
		"not yet valid":   {i.token(t, set("nbf", time.Now().Add(time.Hour).Unix())), http.StatusUnauthorized},
		"no subject":      {i.token(t, func(c map[string]any) { delete(c, "sub") }), http.StatusUnauthorized},
		"other key":       {sign(t, jose.ES256, other.key, "first", claims), http.StatusUnauthorized},
		"symmetric":       {sign(t, jose.HS256, make([]byte, 32), "first", claims), http.StatusUnauthorized},
		"key as a secret": {sign(t, jose.HS256, published, "first", claims), http.StatusUnauthorized},
		"unsigned":        {unsigned(t, claims, ""), http.StatusUnauthorized},
		"unsigned, with":  {unsigned(t, claims, "c2lnbmF0dXJl"), http.StatusUnauthorized},
		"no JWT":          {"abc", http.StatusUnauthorized},
		"no token":        {"", http.StatusUnauthorized},
	} {
		response := present(t, i.guards(), c.token)
		require.Equal(t, c.want, response.StatusCode, name)
		challenge := response.Header.Get("WWW-Authenticate")
		switch c.want {
		case http.StatusTeapot:
			require.Equal(t, "subject:"+i.URL+" user-1", response.Header.Get("X-Caller"))
			require.Empty(t, response.Header.Get("X-Authorization-Seen"))
		case http.StatusForbidden:
			require.Contains(t, challenge, `error="insufficient_scope", scope="send"`)
		default:
			require.Contains(t, challenge, `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`)
		}
	}
}

func TestOAuthFetchesKeysLazilyAndWhenTheyChange(t *testing.T) {
	i := newIssuer(t)
	g := i.guards()
	require.Zero(t, i.fetched.Load())
	for range 3 {
		require.Equal(t, http.StatusTeapot, present(t, g, i.token(t, nil)).StatusCode)
	}
	require.EqualValues(t, 1, i.fetched.Load())
	i.rotate(t, "second")
	require.Equal(t, http.StatusTeapot, present(t, g, i.token(t, nil)).StatusCode)
	require.EqualValues(t, 2, i.fetched.Load())
}

func TestOAuthForgedTokensDoNotFloodTheIssuer(t *testing.T) {
	i := newIssuer(t)
	g := i.guards()
	valid := i.token(t, nil)
	require.Equal(t, http.StatusTeapot, present(t, g, valid).StatusCode)
	forged := sign(t, jose.ES256, newIssuer(t).key, "made-up", i.claims())
	for range 50 {
		response := present(t, g, forged)
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.Contains(t, response.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
	}
	require.Less(t, i.fetched.Load(), int64(6))
	require.Equal(t, http.StatusTeapot, present(t, g, valid).StatusCode, "known keys still serve")
}

func TestOAuthMetadata(t *testing.T) {
	o := &OAuth{Issuer: "https://auth.example", Audience: "https://mcp.example/mcp", Scopes: []string{"send"}}
	server := httptest.NewServer(o.Metadata())
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"resource":"https://mcp.example/mcp","authorization_servers":["https://auth.example"],
		"scopes_supported":["send"],"bearer_methods_supported":["header"]}`, string(body))
}

func TestOAuthSaysTryAgainWhenTheIssuerIsUnreachable(t *testing.T) {
	i := newIssuer(t)
	i.Close()
	response := present(t, i.guards(), i.token(t, nil))
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("Retry-After"))
}

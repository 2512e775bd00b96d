package guard

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const (
	admits  = http.StatusTeapot
	refuses = http.StatusUnauthorized
)

// raw signs a header and a payload as they are, with the issuer's key.
func (i *issuer) raw(t *testing.T, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// with returns the members of a valid token as JSON, with more or other ones. A member that is "" is left out.
func (i *issuer) with(members map[string]string) string {
	all := map[string]string{}
	for name, value := range i.claims() {
		encoded, _ := json.Marshal(value)
		all[name] = string(encoded)
	}
	for name, value := range members {
		all[name] = value
	}
	var object []string
	for name, value := range all {
		if value != "" {
			object = append(object, fmt.Sprintf("%q:%s", name, value))
		}
	}
	return "{" + strings.Join(object, ",") + "}"
}

func requireVerdict(t *testing.T, want int, i *issuer, token, name string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		g := i.guards()
		g.OAuth.Scopes = nil
		response := present(t, g, token)
		require.Equal(t, want, response.StatusCode)
		if want == refuses {
			require.Contains(t, response.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
		}
	})
}

// What a key says of itself counts: its algorithm, its use, its ID.
func TestOAuthKeysAreUsedAsTheySay(t *testing.T) {
	i := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	public, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key := func(key any, id, algorithm, use string) jose.JSONWebKey {
		return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm, Use: use}
	}
	rsaRS256 := key(rsaKey.Public(), "k", "RS256", "sig")
	for name, c := range map[string]struct {
		published []jose.JSONWebKey
		algorithm jose.SignatureAlgorithm
		key       any
		id        string
		want      int
	}{
		"its own algorithm":          {[]jose.JSONWebKey{rsaRS256}, jose.RS256, rsaKey, "k", admits},
		"another hash":               {[]jose.JSONWebKey{rsaRS256}, jose.RS512, rsaKey, "k", refuses},
		"another padding":            {[]jose.JSONWebKey{rsaRS256}, jose.PS256, rsaKey, "k", refuses},
		"no algorithm":               {[]jose.JSONWebKey{key(rsaKey.Public(), "k", "", "")}, jose.PS384, rsaKey, "k", admits},
		"for encryption":             {[]jose.JSONWebKey{key(rsaKey.Public(), "k", "", "enc")}, jose.RS256, rsaKey, "k", refuses},
		"algorithm for encryption":   {[]jose.JSONWebKey{key(rsaKey.Public(), "k", "RSA-OAEP", "")}, jose.RS256, rsaKey, "k", refuses},
		"unheard-of algorithm":       {[]jose.JSONWebKey{key(rsaKey.Public(), "k", "XS256", "")}, jose.RS256, rsaKey, "k", refuses},
		"a key of another type":      {[]jose.JSONWebKey{key(p384.Public(), "k", "", "")}, jose.RS256, rsaKey, "k", refuses},
		"P-384":                      {[]jose.JSONWebKey{key(p384.Public(), "k", "ES384", "")}, jose.ES384, p384, "k", admits},
		"Ed25519":                    {[]jose.JSONWebKey{key(public, "k", "EdDSA", "sig")}, jose.EdDSA, edKey, "k", admits},
		"unknown ID":                 {[]jose.JSONWebKey{rsaRS256}, jose.RS256, rsaKey, "other", refuses},
		"token without an ID":        {[]jose.JSONWebKey{rsaRS256}, jose.RS256, rsaKey, "", admits},
		"key without an ID":          {[]jose.JSONWebKey{key(rsaKey.Public(), "", "RS256", "")}, jose.RS256, rsaKey, "k", admits},
		"two keys with one ID":       {[]jose.JSONWebKey{key(p384.Public(), "k", "", ""), rsaRS256}, jose.RS256, rsaKey, "k", admits},
		"the other one has that ID":  {[]jose.JSONWebKey{key(p384.Public(), "k", "", ""), key(rsaKey.Public(), "l", "RS256", "")}, jose.RS256, rsaKey, "k", refuses},
		"there are no keys":          {[]jose.JSONWebKey{}, jose.RS256, rsaKey, "k", refuses},
		"both algorithms, both keys": {[]jose.JSONWebKey{rsaRS256, key(rsaKey.Public(), "l", "PS256", "")}, jose.PS256, rsaKey, "l", admits},
	} {
		i.publish = c.published
		requireVerdict(t, c.want, i, sign(t, c.algorithm, c.key, c.id, i.claims()), name)
	}
}

func TestOAuthTakesEveryAlgorithmWithAPublicKey(t *testing.T) {
	i := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512} {
		i.publish = []jose.JSONWebKey{{Key: rsaKey.Public()}}
		requireVerdict(t, admits, i, sign(t, algorithm, rsaKey, "", i.claims()), string(algorithm))
	}
	for algorithm, curve := range map[jose.SignatureAlgorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		i.publish = []jose.JSONWebKey{{Key: key.Public()}}
		requireVerdict(t, admits, i, sign(t, algorithm, key, "", i.claims()), string(algorithm))
	}
}

func TestOAuthHeaders(t *testing.T) {
	i := newIssuer(t)
	own, err := json.Marshal(jose.JSONWebKey{Key: newIssuer(t).key.Public(), KeyID: "first", Algorithm: "ES256"})
	require.NoError(t, err)
	for header, want := range map[string]int{
		`{"alg":"ES256","kid":"first"}`:                                          admits,
		`{"alg":"ES256","kid":"first","jwk":` + string(own) + `}`:                admits, // and it is not used
		`{"alg":"ES256","kid":"first","jku":"https://evil.example/k"}`:           admits,
		`{"alg":"ES256","kid":"first","x5u":"https://evil.example/k","x5t":"x"}`: admits,
		`{"alg":"ES256","kid":"first","nonce":"AQAB","cty":"JWT"}`:               admits, // Entra, for its own Graph
		`{"alg":"ES256","kid":"first","b64":true,"crit":["b64"]}`:                refuses,
		`{"alg":"ES256","kid":"first","b64":false,"crit":["b64"]}`:               refuses,
		`{"alg":"ES256","kid":"first","b64":false}`:                              refuses,
		`{"alg":"ES256","kid":"first","crit":[]}`:                                refuses,
		`{"alg":"ES256","kid":"first","crit":["exp"],"exp":1}`:                   refuses,
		`{"alg":"ES256","alg":"ES256","kid":"first"}`:                            refuses,
		`{"alg":"none","alg":"ES256","kid":"first"}`:                             refuses,
		`{"ALG":"ES256","kid":"first"}`:                                          refuses,
		`{"alg":"ES384","kid":"first"}`:                                          refuses,
		`{"alg":"es256","kid":"first"}`:                                          refuses,
		`{"alg":"RS256","kid":"first"}`:                                          refuses,
		`{"alg":["ES256"],"kid":"first"}`:                                        refuses,
		`{"alg":"ES256","kid":1}`:                                                refuses,
		`{"alg":"ES256","kid":"First"}`:                                          refuses,
		`{"alg":"ES256","kid":"first","typ":"JWT"}`:                              admits,
		`{"alg":"ES256","kid":"first","typ":"jwt"}`:                              admits,
		`{"alg":"ES256","kid":"first","typ":"at+jwt"}`:                           admits,
		`{"alg":"ES256","kid":"first","typ":"application/at+JWT"}`:               admits,
		`{"alg":"ES256","kid":"first","typ":"logout+jwt"}`:                       refuses,
		`{"alg":"ES256","kid":"first","typ":"application/logout+jwt"}`:           refuses,
		`{"alg":"ES256","kid":"first","typ":"secevent+jwt"}`:                     refuses,
		`{"alg":"ES256","kid":"first","typ":"id_token+jwt"}`:                     refuses,
		`{"alg":"ES256","kid":"first","typ":"dpop+jwt"}`:                         refuses,
		`{"alg":"ES256","kid":"first","typ":"oauth-authz-req+jwt"}`:              refuses,
		`{"alg":"ES256","kid":"first","typ":["at+jwt"]}`:                         refuses,
		`{"alg":"ES256","kid":"first","typ":"at+jwt","typ":"logout+jwt"}`:        refuses,
	} {
		requireVerdict(t, want, i, i.raw(t, header, i.with(nil)), header)
	}
	for size, want := range map[int]int{5000: admits, 7000: refuses} { // some have certificates there
		requireVerdict(t, want, i, i.raw(t, `{"alg":"ES256","kid":"first","x":"`+strings.Repeat("x", size)+`"}`, i.with(nil)), fmt.Sprintf("%d bytes", size))
	}
	whole := strings.Split(i.token(t, nil), ".")
	requireVerdict(t, refuses, i, fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, whole[0], whole[1], whole[2]), "JSON serialization")
	requireVerdict(t, refuses, i, whole[0]+".."+whole[2], "detached")
	requireVerdict(t, refuses, i, whole[0]+"."+whole[1]+".", "no signature")
	requireVerdict(t, refuses, i, i.token(t, nil)+".x", "four parts")
}

func TestOAuthClaims(t *testing.T) {
	i := newIssuer(t)
	at := func(from time.Duration) string { return fmt.Sprint(time.Now().Add(from).Unix()) }
	for name, c := range map[string]struct {
		claims map[string]string
		want   int
	}{
		"as it is":             {nil, admits},
		"exp with a fraction":  {map[string]string{"exp": at(time.Minute) + ".5"}, admits},
		"exp with an exponent": {map[string]string{"exp": "4e9"}, admits},
		"exp a string":         {map[string]string{"exp": `"` + at(time.Minute) + `"`}, refuses},
		"exp missing":          {map[string]string{"exp": ""}, refuses},
		"exp null":             {map[string]string{"exp": "null"}, refuses},
		"exp a boolean":        {map[string]string{"exp": "true"}, refuses},
		"exp an array":         {map[string]string{"exp": "[" + at(time.Minute) + "]"}, refuses},
		"exp negative":         {map[string]string{"exp": "-" + at(time.Minute)}, refuses},
		"exp zero":             {map[string]string{"exp": "0"}, refuses},
		"exp too large":        {map[string]string{"exp": "1e400"}, refuses},
		"exp beyond 64 bits":   {map[string]string{"exp": "1e30"}, refuses},
		"exp just past":        {map[string]string{"exp": at(-2 * time.Second)}, refuses},
		"exp in milliseconds, past, as nobody writes it": {map[string]string{"exp": "1"}, refuses},
		"nbf in the past":          {map[string]string{"nbf": at(-time.Hour)}, admits},
		"nbf within the leeway":    {map[string]string{"nbf": at(4 * time.Minute)}, admits},
		"nbf beyond it":            {map[string]string{"nbf": at(6 * time.Minute)}, refuses},
		"nbf a string":             {map[string]string{"nbf": `"` + at(-time.Hour) + `"`}, refuses},
		"nbf too large":            {map[string]string{"nbf": "1e400"}, refuses},
		"nbf beyond 64 bits":       {map[string]string{"nbf": "1e19"}, refuses},
		"nbf null":                 {map[string]string{"nbf": "null"}, admits},
		"iat in the past":          {map[string]string{"iat": at(-time.Hour)}, admits},
		"iat within the leeway":    {map[string]string{"iat": at(4 * time.Minute)}, admits},
		"iat in the future":        {map[string]string{"iat": at(time.Hour)}, refuses},
		"iat a string":             {map[string]string{"iat": `"` + at(-time.Hour) + `"`}, refuses},
		"iat too large":            {map[string]string{"iat": "1e400"}, refuses},
		"aud missing":              {map[string]string{"aud": ""}, refuses},
		"aud null":                 {map[string]string{"aud": "null"}, refuses},
		"aud empty":                {map[string]string{"aud": "[]"}, refuses},
		"aud an object":            {map[string]string{"aud": `{"https://mcp.example/mcp":1}`}, refuses},
		"aud with a number":        {map[string]string{"aud": `["https://mcp.example/mcp",1]`}, refuses},
		"aud in another case":      {map[string]string{"aud": `"https://mcp.example/MCP"`}, refuses},
		"aud in one string":        {map[string]string{"aud": `"https://other.example https://mcp.example/mcp"`}, refuses},
		"iss missing":              {map[string]string{"iss": ""}, refuses},
		"iss an array":             {map[string]string{"iss": `["` + i.URL + `"]`}, refuses},
		"iss with a slash":         {map[string]string{"iss": `"` + i.URL + `/"`}, refuses},
		"sub a number":             {map[string]string{"sub": "1"}, refuses},
		"sub empty":                {map[string]string{"sub": `""`}, refuses},
		"sub null":                 {map[string]string{"sub": "null"}, refuses},
		"sub in another case":      {map[string]string{"sub": "", "Sub": `"user-1"`}, refuses},
		"a claim in another case":  {map[string]string{"Sub": `"admin"`, "EXP": "1", "AUD": "1"}, admits}, // and is not read
		"scope a number":           {map[string]string{"scope": "1"}, refuses},
		"scope null":               {map[string]string{"scope": "null"}, admits},
		"jti a number":             {map[string]string{"jti": "1"}, admits},
		"another claim, too large": {map[string]string{"x": "1e400"}, admits},
	} {
		requireVerdict(t, c.want, i, i.raw(t, `{"alg":"ES256","kid":"first"}`, i.with(c.claims)), name)
	}
	for _, twice := range []string{`"sub":"admin"`, `"exp":4000000000`, `"aud":"https://mcp.example/mcp"`, `"x":1,"x":2`} {
		payload := strings.TrimSuffix(i.with(nil), "}") + "," + twice + "}"
		requireVerdict(t, refuses, i, i.raw(t, `{"alg":"ES256","kid":"first"}`, payload), twice)
	}
	for _, payload := range []string{"", "null", "[]", `"x"`, i.with(nil) + "{}", i.with(nil)[1:]} {
		requireVerdict(t, refuses, i, i.raw(t, `{"alg":"ES256","kid":"first"}`, payload), payload)
	}
}

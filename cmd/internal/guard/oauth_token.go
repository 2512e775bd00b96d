package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	strictjson "github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses duplicate names
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms are the signature algorithms with a public key. Symmetric ones are left out: anyone who can verify such a
// token can also forge one. So is "none".
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// maxTokenHeader is how many characters a token's header may have. It is read before the signature is checked, and reading
// one that is deeply nested takes time and memory by the square of its size. Real ones have some hundred, or some thousand
// with certificates.
const maxTokenHeader = 8 << 10

// clockLeeway is by how much the issuer's clock may be ahead. A token that has expired gets none.
const clockLeeway = 5 * time.Minute

var (
	errExtension = errors.New("the token's header has an extension that must be understood")
	errKey       = errors.New("no key of the issuer verifies the token")
	errExpired   = errors.New("the token has expired, or has no expiry")
)

// claims are what is read of a token.
type claims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	Expiry    *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	Scope     scopes           `json:"scope"`
	Scp       scopes           `json:"scp"`
}

// verify checks an access token: its signature, what it says of itself, and whether it is one.
func (o *OAuth) verify(ctx context.Context, current *keySet, raw string) (*claims, error) {
	if encoded, _, _ := strings.Cut(raw, "."); len(encoded) > maxTokenHeader {
		return nil, errors.New("the token's header is too long")
	}
	token, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, err
	}
	header := token.Signatures[0].Header
	for _, extension := range []jose.HeaderKey{"crit", "b64"} { // a JWT uses neither (RFC 7797, section 7)
		if _, has := header.ExtraHeaders[extension]; has {
			return nil, errExtension
		}
	}
	payload, err := current.open(token)
	if err != nil {
		if newer := o.newerKeys(ctx, current); newer != nil {
			payload, err = newer.open(token)
		}
		if err != nil {
			return nil, err
		}
	}
	read, all := &claims{}, map[string]json.RawMessage{}
	if err := strictjson.Unmarshal(payload, &all); err != nil {
		return nil, err
	}
	if err := strictjson.Unmarshal(payload, read); err != nil {
		return nil, err
	}
	if err := o.checkClaims(read); err != nil {
		return nil, err
	}
	if !isAccessToken(header, all) {
		return nil, errKind
	}
	return read, nil
}

func (o *OAuth) checkClaims(c *claims) error {
	now := time.Now()
	if c.Expiry == nil || !now.Before(c.Expiry.Time()) {
		return errExpired
	}
	if c.Subject == "" {
		return errors.New("the token has no subject")
	}
	standard := jwt.Claims{Issuer: c.Issuer, Audience: c.Audience, NotBefore: c.NotBefore, IssuedAt: c.IssuedAt}
	return standard.ValidateWithLeeway(jwt.Expected{Issuer: o.Issuer, AnyAudience: jwt.Audience{o.Audience}, Time: now}, clockLeeway)
}

// keySet are the keys that an issuer published for signatures.
type keySet struct{ keys []jose.JSONWebKey }

// open returns the payload if one of the keys verifies the signature. A key counts only for its own algorithm (RFC 8725,
// section 3.1), and only for a token that names it or names none.
func (k *keySet) open(token *jose.JSONWebSignature) ([]byte, error) {
	header := token.Signatures[0].Header
	for _, key := range k.keys {
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if key.KeyID != "" && header.KeyID != "" && key.KeyID != header.KeyID {
			continue
		}
		if payload, err := token.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errKey
}

// otherKinds are the claims in which authorization servers name a token's kind, with the kinds that are no access token:
// those of Keycloak, Cognito, PingAM, Oracle, Curity and Descope.
var otherKinds = map[string][]string{
	"typ":       {"ID", "Serialized-ID", "Logout", "Refresh", "Offline"},
	"token_use": {"id", "refresh"},
	"tokenName": {"id_token", "refresh_token"},
	"tok_type":  {"IT", "RT"},
	"purpose":   {"id", "id_token", "refresh_token"},
	"drn":       {"DSR"},
}

// isAccessToken goes by the header's typ (RFC 9068, section 4). Most authorization servers still write JWT or nothing
// there. Such a token is refused when it has the mark of another kind: an event (RFC 8417, section 2.2), a kind, a hash that
// only an ID token has (OpenID Connect Core, section 3.3.2.11), or a nonce and no sign of a client or a scope. A nonce alone
// is no mark: Keycloak before version 25, Azure AD B2C and PingAM write it into access tokens.
func isAccessToken(header jose.Header, claims map[string]json.RawMessage) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return claims[name] != nil && string(claims[name]) != "null" })
	}
	if has("events") && claims["events"][0] == '{' {
		return false
	}
	typ, isString := header.ExtraHeaders[jose.HeaderType].(string)
	if !isString && header.ExtraHeaders[jose.HeaderType] != nil {
		return false
	}
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "at+jwt", "okta-internal-at+jwt":
		return true
	case "jwt", "":
	default:
		return false
	}
	for name, kinds := range otherKinds {
		var kind string
		if json.Unmarshal(claims[name], &kind) == nil && slices.Contains(kinds, kind) {
			return false
		}
	}
	return !has("at_hash", "c_hash", "s_hash") &&
		(!has("nonce") || has("scope", "scp", "client_id", "cid", "azp", "appid"))
}

// scopes decodes a string of words (RFC 8693), or an array of strings, which some authorization servers write.
type scopes []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scopes) UnmarshalJSON(raw []byte) error {
	var words string
	if json.Unmarshal(raw, &words) == nil {
		*s = strings.Fields(words)
		return nil
	}
	if err := json.Unmarshal(raw, (*[]string)(s)); err != nil {
		return fmt.Errorf("the token's scopes are neither a string nor a list: %w", err)
	}
	return nil
}

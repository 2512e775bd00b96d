package guard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

// Authorize refuses requests without a valid bearer token or access token. It admits everything if neither Tokens nor
// OAuth is set. It removes the Authorization header; the next handler learns from Caller who called.
func (g *Guards) Authorize(next http.Handler) http.Handler {
	digests := make([][sha256.Size]byte, len(g.Tokens))
	for i, token := range g.Tokens {
		digests[i] = sha256.Sum256([]byte(token))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := bearer(r)
		r.Header.Del("Authorization")
		if len(digests) == 0 && g.OAuth == nil {
			next.ServeHTTP(w, r)
			return
		}
		var caller string
		if err == nil {
			caller, err = g.caller(r.Context(), token, digests)
		}
		if err != nil {
			g.unauthorized(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}

// caller compares the token's digest with every known digest. The time this takes reveals nothing about the tokens or
// their lengths.
func (g *Guards) caller(ctx context.Context, token string, digests [][sha256.Size]byte) (string, error) {
	digest := sha256.Sum256([]byte(token))
	matched := 0
	for i := range digests {
		matched |= subtle.ConstantTimeCompare(digest[:], digests[i][:])
	}
	if matched == 1 {
		return "token:" + hex.EncodeToString(digest[:8]), nil
	}
	if g.OAuth == nil {
		return "", errBadToken
	}
	subject, err := g.OAuth.subject(ctx, token)
	if err != nil {
		return "", err
	}
	return "subject:" + subject, nil // the prefix keeps a subject from looking like a token
}

// A token can fail in four ways.
var (
	errBadToken = errors.New("the token is not valid")
	errKind     = errors.New("the token is not an access token")
	errScope    = errors.New("the token's scope is too small")
	errIssuer   = errors.New("the authorization server's keys could not be fetched")
)

// What a 401 says.
const (
	tokenMissing = "the token is missing: this server wants one in the header Authorization: Bearer …; nothing was done"
	tokenUnknown = "the token is not known: the one in the header Authorization: Bearer … is not valid here; nothing was done"
	tokenOther   = "the token is not an access token: an ID token, a logout token or a refresh token does not count here; nothing was done"
)

// unauthorized writes the answer that RFC 6750 and RFC 9728 define.
func (g *Guards) unauthorized(w http.ResponseWriter, r *http.Request, err error) {
	challenge := `Bearer realm="mcp"`
	if g.OAuth != nil {
		challenge += `, resource_metadata="` + g.OAuth.metadataURL() + `"`
	}
	guard, status, text := "token", http.StatusUnauthorized, tokenMissing
	switch {
	case errors.Is(err, errIssuer):
		w.Header().Set("Retry-After", "5")
		g.refuse(w, r, guard, http.StatusServiceUnavailable, "the token cannot be checked at the moment; nothing was done, try again")
		return
	case errors.Is(err, errScope):
		challenge += `, error="insufficient_scope", scope="` + strings.Join(g.OAuth.Scopes, " ") + `"`
		guard, status, text = "scope", http.StatusForbidden, "the token's scope is too small; nothing was done"
	case !errors.Is(err, errNoToken):
		challenge += `, error="invalid_token"`
		text = tokenUnknown
		if errors.Is(err, errKind) {
			text = tokenOther
		}
	}
	w.Header().Set("WWW-Authenticate", challenge)
	g.refuse(w, r, guard, status, text)
}

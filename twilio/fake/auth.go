package fake

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authenticate checks Basic auth against the configured credentials. If there are
// none, it accepts any username but an empty one.
func (f *Fake) authenticate(r *http.Request) error {
	username, password, ok := r.BasicAuth()
	if ok && username != "" {
		if len(f.config.Credentials) == 0 {
			return nil
		}
		for _, c := range f.config.Credentials {
			if sameText(c.Username, username)&sameText(c.Password, password) == 1 {
				return nil
			}
		}
	}
	return refuse(http.StatusUnauthorized, 20003, "Authenticate")
}

// sameText returns 1 if the texts are equal, else 0. The time it takes does not
// depend on the texts or their lengths.
func sameText(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// account returns the credential of the whole account. Its SID owns every
// resource, and its token signs callbacks.
func (f *Fake) account() Credential {
	for _, c := range f.config.Credentials {
		if wellFormed("AC", c.Username) {
			return c
		}
	}
	return Credential{Username: AccountSid, Password: DefaultAuthToken}
}

// redacted returns a copy of the headers that is safe to record and show.
func redacted(h http.Header) http.Header {
	h = h.Clone()
	if value := h.Get("Authorization"); value != "" {
		scheme, _, _ := strings.Cut(value, " ")
		h.Set("Authorization", scheme+" [redacted]")
	}
	h.Del("Cookie")
	return h
}

package fake

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authenticate checks Basic auth: the configured credentials when there are
// any, else any non-empty username, never none.
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

// sameText takes the same time whatever the texts and their lengths are.
func sameText(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// account is the credential that stands for the whole account: its SID owns
// every resource, its token signs callbacks.
func (f *Fake) account() Credential {
	for _, c := range f.config.Credentials {
		if wellFormed("AC", c.Username) {
			return c
		}
	}
	return Credential{Username: AccountSid, Password: DefaultAuthToken}
}

// redacted is a copy of the headers that may be recorded and shown.
func redacted(h http.Header) http.Header {
	h = h.Clone()
	if value := h.Get("Authorization"); value != "" {
		scheme, _, _ := strings.Cut(value, " ")
		h.Set("Authorization", scheme+" [redacted]")
	}
	h.Del("Cookie")
	return h
}

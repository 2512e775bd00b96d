package guard

import (
	"net/http"
	"strings"
)

// Encoding refuses requests whose body is compressed or encoded in another way. Nothing behind it undoes that, and what
// comes out of a small body could be very large. The answer names the encoding that is accepted (RFC 9110, section
// 12.5.3).
func (g *Guards) Encoding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, coding := range strings.Split(strings.Join(r.Header.Values("Content-Encoding"), ","), ",") {
			if coding = strings.TrimSpace(coding); coding == "" || strings.EqualFold(coding, "identity") {
				continue
			}
			w.Header().Set("Accept-Encoding", "identity")
			w.Header().Set("Connection", "close") // rather than read all of the rest
			g.refuse(w, r, "body", http.StatusUnsupportedMediaType, "the body is encoded: send it without a Content-Encoding; nothing was done")
			ForgetBody(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

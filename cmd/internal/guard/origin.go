package guard

import (
	"net/http"
	"slices"
	"strings"
)

// corsHeaders are what a web page's MCP client has to send.
const corsHeaders = "Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id, Traceparent"

// Origin refuses requests from web pages of origins that are not allowed, and lets the allowed ones read the answers
// (CORS). It answers their preflight requests itself, as those carry no credentials.
func (g *Guards) Origin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origins := r.Header.Values("Origin")
		if len(origins) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if len(origins) > 1 || !g.admits(origins[0], r.Host) {
			g.refuse(w, "origin", http.StatusForbidden, "this Origin is not allowed; nothing was done")
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origins[0])
		w.Header().Set("Access-Control-Expose-Headers", "Mcp-Session-Id, Retry-After, WWW-Authenticate")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers", corsHeaders)
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Guards) admits(origin, host string) bool {
	if g.SameOrigin && (strings.EqualFold(origin, "http://"+host) || strings.EqualFold(origin, "https://"+host)) {
		return true
	}
	return slices.ContainsFunc(g.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

package guard

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// corsHeaders are the request headers that an MCP client in a web page needs to send.
const corsHeaders = "Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id, Traceparent"

// Origin refuses requests from web pages whose origin is not allowed, and lets allowed pages read the answers (CORS). It
// answers preflight requests itself, because they carry no credentials and Authorize would refuse them.
func (g *Guards) Origin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origins := r.Header.Values("Origin")
		if len(origins) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if len(origins) > 1 || !g.admits(origins[0], r.Host) {
			g.refuse(w, r, "origin", http.StatusForbidden, notAllowed("Origin", g.OriginSetting))
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origins[0])
		w.Header().Set("Access-Control-Expose-Headers", "Mcp-Session-Id, Retry-After, WWW-Authenticate")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", g.methods())
			w.Header().Set("Access-Control-Allow-Headers", corsHeaders)
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		cors := &corsWriter{ResponseWriter: w, want: corsOf(w.Header())}
		next.ServeHTTP(cors, r)
		cors.restore() // in case the handler wrote nothing
	})
}

func notAllowed(header, setting string) string {
	if setting != "" {
		setting = " (" + setting + " would admit it)"
	}
	return "this " + header + " is not allowed" + setting + "; nothing was done"
}

// corsWriter keeps the guard's CORS headers, even if the handler behind it sets others.
type corsWriter struct {
	http.ResponseWriter
	want     http.Header
	restored bool
}

const corsPrefix = "Access-Control-"

func corsOf(all http.Header) http.Header {
	cors := http.Header{}
	for name, values := range all {
		if strings.HasPrefix(name, corsPrefix) {
			cors[name] = slices.Clone(values)
		}
	}
	return cors
}

// restore undoes the handler's changes. It runs once, just before the header is sent.
func (c *corsWriter) restore() {
	if c.restored {
		return
	}
	c.restored = true
	maps.DeleteFunc(c.Header(), func(name string, _ []string) bool { return strings.HasPrefix(name, corsPrefix) })
	maps.Copy(c.Header(), c.want)
}

func (c *corsWriter) WriteHeader(status int) {
	c.restore()
	c.ResponseWriter.WriteHeader(status)
}

func (c *corsWriter) Write(p []byte) (int, error) {
	c.restore()
	return c.ResponseWriter.Write(p)
}

func (c *corsWriter) FlushError() error {
	c.restore()
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the writer below.
func (c *corsWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// checkOrigin refuses a setting that no browser sends as an Origin. It would admit nobody, and nothing would say why.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, origin) || strings.Contains(u.Host, "*") {
		return fmt.Errorf("the allowed origin %q %w: name it as browsers do, scheme://host or scheme://host:port, without a path or *", origin, ErrOrigin)
	}
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		return fmt.Errorf("the allowed origin %q %w: browsers leave that port out", origin, ErrOrigin)
	}
	return nil
}

func (g *Guards) methods() string {
	if len(g.Methods) == 0 {
		return "GET, POST"
	}
	return strings.Join(g.Methods, ", ")
}

func (g *Guards) admits(origin, host string) bool {
	if g.SameOrigin && (strings.EqualFold(origin, "http://"+host) || strings.EqualFold(origin, "https://"+host)) {
		return true
	}
	return slices.ContainsFunc(g.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

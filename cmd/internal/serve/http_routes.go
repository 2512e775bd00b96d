package serve

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// elsewhere is what a client is told that posts to the wrong path.
const elsewhere = "MCP is at /mcp; nothing was done"

// noLogin is what a client is told that looks for an authorization server. Some show it to a person whose token is missing.
const noLogin = "there is no authorization server here; " + elsewhere

func (e *endpoints) routes() http.Handler {
	g := &e.config.Guards
	named := func(next http.Handler) http.Handler { return g.Origin(g.Host(next)) }
	guarded := func(next http.Handler) http.Handler { return named(g.Authorize(g.Encoding(next))) }
	mux := http.NewServeMux()
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
	route(mux, "/healthz", g.Origin, healthy, http.MethodGet, http.MethodHead)
	route(mux, "/readyz", g.Origin, e.readyz, http.MethodGet, http.MethodHead)
	for _, slash := range []string{"", "/{$}"} {
		route(mux, "/mcp"+slash, guarded, e.serveMCP, http.MethodPost)
		route(mux, "/sse"+slash, guarded, e.serveSSE, http.MethodGet)
	}
	route(mux, "/message", guarded, e.serveMessage, http.MethodPost)
	if e.config.Metrics != nil {
		route(mux, "/metrics", guarded, e.config.Metrics.ServeHTTP, http.MethodGet, http.MethodHead)
	}
	mux.Handle("/", guarded(http.HandlerFunc(e.serveOther)))
	notFound := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, http.StatusNotFound) }
	}
	// Where clients look for an authorization server, and what they try when there is none (MCP 2025-03-26,
	// "Authorization"). A 401 would have them begin to log in. Without its slash, mux would redirect the first.
	for _, discovery := range []string{"/.well-known", "/.well-known/", "/register", "/authorize", "/token"} {
		mux.Handle(discovery, named(notFound(noLogin)))
	}
	if g.OAuth != nil {
		route(mux, guard.MetadataPath, named, g.OAuth.Metadata().ServeHTTP, http.MethodGet, http.MethodHead)
		route(mux, guard.MetadataPath+"/", named, g.OAuth.Metadata().ServeHTTP, http.MethodGet, http.MethodHead)
	}
	unclean := guarded(notFound(elsewhere))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isClean(r.URL.Path) { // mux would redirect it before a guard has seen the request
			unclean.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// isClean says whether a path has no empty element, "." or "..", and begins with a slash (that of "*" does not).
func isClean(p string) bool {
	clean := path.Clean("/" + p)
	return p == clean || p == clean+"/" && p != "//"
}

func (e *endpoints) serveOther(w http.ResponseWriter, r *http.Request) {
	posts := func(path string) bool { return strings.HasPrefix(r.URL.Path, path) }
	if e.config.Other == nil || r.Method == http.MethodPost && !slices.ContainsFunc(e.config.OtherPosts, posts) {
		http.Error(w, elsewhere, http.StatusNotFound)
		return
	}
	ctx, end := e.untilClosing(r.Context())
	defer end()
	e.config.Other.ServeHTTP(w, r.WithContext(ctx))
}

// route serves a path behind guards, with these methods and no other. A pattern with a method would leave the others to
// HTTP.Other.
func route(mux *http.ServeMux, pattern string, guards func(http.Handler) http.Handler, serve http.HandlerFunc, methods ...string) {
	mux.Handle(pattern, guards(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			text := "this method is not allowed here"
			if r.Method == http.MethodPost {
				text = elsewhere
			}
			w.Header().Set("Allow", strings.Join(methods, ", "))
			http.Error(w, text, http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	})))
}

func (e *endpoints) readyz(w http.ResponseWriter, r *http.Request) {
	switch {
	case e.draining():
		http.Error(w, "stopping", http.StatusServiceUnavailable)
	case e.config.Ready != nil && e.config.Ready(r.Context()) != nil:
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	default:
		_, _ = w.Write([]byte("ok\n"))
	}
}

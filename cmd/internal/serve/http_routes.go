package serve

import (
	"net/http"
	"slices"
	"strings"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func (e *endpoints) routes() http.Handler {
	g := &e.config.Guards
	open := http.NewServeMux() // for everyone
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
	route(open, healthy, "/healthz", http.MethodGet, http.MethodHead)
	route(open, e.readyz, "/readyz", http.MethodGet, http.MethodHead)
	mux := http.NewServeMux()
	route(mux, e.serveMCP, "/mcp", http.MethodPost)
	route(mux, e.serveSSE, "/sse", http.MethodGet)
	route(mux, e.serveMessage, "/message", http.MethodPost)
	if e.config.Metrics != nil {
		route(mux, e.config.Metrics.ServeHTTP, "/metrics", http.MethodGet, http.MethodHead)
	}
	if e.config.Other != nil {
		mux.HandleFunc("/", e.serveOther)
	}
	open.Handle("/", g.Host(g.Authorize(mux)))
	if g.OAuth != nil {
		metadata := g.Host(g.OAuth.Metadata()).ServeHTTP
		route(open, metadata, guard.MetadataPath, http.MethodGet, http.MethodHead)
		route(open, metadata, guard.MetadataPath+"/", http.MethodGet, http.MethodHead)
	}
	return g.Origin(open)
}

func (e *endpoints) serveOther(w http.ResponseWriter, r *http.Request) {
	ctx, end := e.untilClosing(r.Context())
	defer end()
	e.config.Other.ServeHTTP(w, r.WithContext(ctx))
}

// route serves path with these methods and no other. A pattern with a method would leave the others to HTTP.Other.
func route(mux *http.ServeMux, serve http.HandlerFunc, path string, methods ...string) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			http.Error(w, "this method is not allowed here", http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	})
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

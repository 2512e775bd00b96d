package page_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake/page"
)

func get(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		require.Contains(t, policy, part)
	}
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
	return w
}

// files are the page's files, read from the folder: one that the handler does
// not serve, or that grew too long, is seen.
func files(t *testing.T) map[string]string {
	found := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS("static"), ".", func(name string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		if !entry.IsDir() {
			content, err := os.ReadFile(filepath.Join("static", name))
			require.NoError(t, err)
			found[name] = string(content)
		}
		return nil
	}))
	require.Contains(t, found, "index.html")
	return found
}

func TestEveryFileIsServed(t *testing.T) {
	types := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for name, content := range files(t) {
		w := get(t, http.MethodGet, "/"+name)
		require.Equal(t, http.StatusOK, w.Code, name)
		require.Equal(t, types[filepath.Ext(name)], w.Header().Get("Content-Type"), name)
		require.Equal(t, content, w.Body.String(), name)

		again := get(t, http.MethodGet, "/"+name, "If-None-Match", w.Header().Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.Code, name)
		require.Empty(t, again.Body.String(), name)
	}
	require.Equal(t, files(t)["index.html"], get(t, http.MethodGet, "/").Body.String())
	require.Equal(t, http.StatusNotModified, get(t, http.MethodHead, "/", "If-None-Match", get(t, http.MethodHead, "/").Header().Get("ETag")).Code)
}

func TestWhatIsNotServed(t *testing.T) {
	for _, path := range []string{"/nothing", "/static/app.js", "/index.html/", "/../page.go", "/%2e%2e/page.go", "//"} {
		require.Equal(t, http.StatusNotFound, get(t, http.MethodGet, path).Code, path)
	}
	w := get(t, http.MethodPost, "/")
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

// Without network the page must be whole, and under the policy nothing that
// writes markup or style from text would work.
func TestFilesKeepToThePolicy(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?i)https?://[^\s"'<>]+|(src|href|url\()=?\s*["']?//`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=|\son[a-z]+="|<script(\s[^>]*)?>[^<]|<style`)
	for name, content := range files(t) {
		for _, url := range elsewhere.FindAllString(content, -1) {
			require.Equal(t, "http://www.w3.org/2000/svg", url, "%s refers to another host", name)
		}
		require.Empty(t, markup.FindString(content), name)
		require.LessOrEqual(t, strings.Count(content, "\n"), 250, name)
	}
}

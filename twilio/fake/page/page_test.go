package page_test

import (
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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

// files reads the page's files from the folder, so that the tests notice a file
// that the handler does not serve.
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

// The page must be complete without other hosts. It must also not use what its
// policy forbids, such as writing markup or style from text.
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

// Text needs a contrast of 4.5 to its background, and the outline of a field a
// contrast of 3 (WCAG 2, level AA). Both colour schemes are checked.
func TestContrast(t *testing.T) {
	sheet := files(t)["style.css"]
	day, night, found := strings.Cut(sheet, "@media (prefers-color-scheme: dark)")
	require.True(t, found)
	colours := map[string]map[string]string{"day": {}, "night": {}}
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	for _, match := range variable.FindAllStringSubmatch(day, -1) {
		colours["day"][match[1]], colours["night"][match[1]] = match[2], match[2]
	}
	for _, match := range variable.FindAllStringSubmatch(night, -1) {
		colours["night"][match[1]] = match[2]
	}
	for when, colour := range colours {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "ground", 4.5}, {"text", "surface", 4.5}, {"text", "raised", 4.5}, {"text", "bubble", 4.5}, {"text", "bad-tint", 4.5},
			{"soft", "ground", 4.5}, {"soft", "surface", 4.5}, {"soft", "raised", 4.5}, {"soft", "bubble", 4.5}, {"soft", "accent-tint", 4.5}, {"soft", "bad-tint", 4.5},
			{"on-accent", "accent", 4.5}, {"accent-strong", "accent-tint", 4.5}, {"bad", "surface", 4.5}, {"bad", "bad-tint", 4.5}, {"good", "good-tint", 4.5},
			{"control", "surface", 3}, {"control", "raised", 3},
		} {
			got := contrast(t, colour[pair.front], colour[pair.back])
			require.GreaterOrEqual(t, got, pair.least, "%s: %s on %s", when, pair.front, pair.back)
		}
	}
	require.Contains(t, sheet, "border: 1px solid var(--control)")
	for name, content := range files(t) { // opacity would change the colour of text
		for _, rule := range regexp.MustCompile(`(?m)^.*[^-]opacity: \.\d.*$`).FindAllString(content, -1) {
			require.Contains(t, rule, ":disabled", name)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance returns WCAG's relative luminance of #rrggbb.
func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	require.Len(t, colour, 7)
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

package guard

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRefusalsAreLoggedAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		g := &Guards{Tokens: []string{strings.Repeat("a", 32)}, Log: &RefusalLog{Log: slog.New(slog.NewTextHandler(&out, nil))}}
		mux := http.NewServeMux()
		mux.Handle("/mcp", g.Authorize(admitted))
		refuse := func() {
			r := httptest.NewRequest(http.MethodPost, "/mcp?secret=in-a-query", nil)
			r.Header.Set("Authorization", "Bearer "+strings.Repeat("b", 32))
			r.Header.Set("User-Agent", "in-a-header")
			mux.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 1000 {
			refuse()
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 10)
		require.Contains(t, lines[9], `level=INFO msg="a request was refused" guard=token status=401 route=/mcp not_logged=0`)
		out.Reset()
		time.Sleep(time.Second)
		refuse()
		refuse()
		require.Equal(t, 1, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(), "not_logged=990")
		time.Sleep(time.Second)
		refuse()
		require.Contains(t, out.String(), "not_logged=1\n")
		for _, secret := range []string{"bbbb", "in-a-query", "in-a-header"} {
			require.NotContains(t, out.String(), secret)
		}
	})
}

func TestARefusalNamesWhatAdmits(t *testing.T) {
	g := &Guards{OriginSetting: "--allowed-origins", HostSetting: "--allowed-hosts", Tokens: []string{strings.Repeat("a", 32)}}
	for _, c := range []struct {
		handler http.Handler
		header  string
		value   string
		says    string
	}{
		{g.Origin(admitted), "Origin", "https://evil.example", "this Origin is not allowed (--allowed-origins would admit it); nothing was done"},
		{(&Guards{}).Origin(admitted), "Origin", "https://evil.example", "this Origin is not allowed; nothing was done"},
		{g.Host(admitted), "Host", "evil.example", "this Host is not allowed (--allowed-hosts would admit it); nothing was done"},
		{g.Authorize(admitted), "X-None", "x", tokenMissing},
		{g.Authorize(admitted), "Authorization", "Basic x", tokenMissing},
		{g.Authorize(admitted), "Authorization", "Bearer x", tokenUnknown},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/", nil)
		r.Header.Set(c.header, c.value)
		if c.header == "Host" {
			r.Host = c.value
		}
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, r)
		said, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		require.Equal(t, c.says, strings.TrimSpace(string(said)))
	}
}

package twilio

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A nameServer remembers the request line's target, as it came.
type nameServer struct {
	url    string
	target atomic.Pointer[string]
}

func newNameServer(t testing.TB) *nameServer {
	s := &nameServer{}
	s.url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		s.target.Store(&r.RequestURI)
		if r.ContentLength != 0 || r.TransferEncoding != nil || r.Header.Get("Content-Length") != "" {
			t.Errorf("a GET with a body: %v %v", r.TransferEncoding, r.Header)
		}
		w.WriteHeader(http.StatusNotFound)
	}).URL
	return s
}

// requireOwnPath asks for a name below a prefix of the base URL: it reaches its own path or no path.
func (s *nameServer) requireOwnPath(t testing.TB, c *Client, prefix, name string) (asked bool) {
	for place, fetch := range map[string]func() error{
		"/v1/Services/":            func() error { _, _, err := c.FetchService(t.Context(), name); return err },
		servicePath + "/Sessions/": func() error { _, _, err := c.FetchSession(t.Context(), testService, name); return err },
	} {
		s.target.Store(nil)
		err := fetch()
		target := s.target.Load()
		if target == nil {
			require.ErrorIs(t, err, ErrNoPath, "%q", name)
			continue
		}
		asked = true
		require.ErrorAs(t, err, new(*Error))
		element, inPlace := strings.CutPrefix(*target, prefix+place)
		require.True(t, inPlace, "%q reached %q", name, *target)
		require.False(t, strings.ContainsAny(element, "/\\?#; \r\n"), "%q reached %q", name, *target)
		plain, err := url.PathUnescape(element)
		require.NoError(t, err)
		require.Equal(t, name, plain)
		require.NotContains(t, []string{"", ".", ".."}, plain)
	}
	return asked
}

var prefixes = []string{"", "/twilio", "/tw%2Filio/x%20y"}

func TestANameReachesItsOwnPathOrNone(t *testing.T) {
	s := newNameServer(t)
	for name, asked := range map[string]bool{
		"order 1234": true, "Order #1234": true, "a/b": true, "/": true, "//": true, "/a/": true, `\`: true, `a\b`: true,
		"...": true, ".a": true, "..a": true, "a..": true, "a.b": true, "a/...": true, "~": true, "*": true,
		"%2e": true, "%2e%2e": true, "%2E%2e/": true, "%2F": true, "%2f..": true, "%": true, "%zz": true, "%00": true, "%252e": true,
		"?": true, "?a=b": true, "#": true, ";": true, "..;": true, "..;a=b": true, ";a": true, "a&b=c+d": true, ":": true, "@": true, "http://evil": true,
		" ": true, " a ": true, "\u00a0": true, "\u2003": true, "\u200b": true, "\u202e": true, "\ufeff": true, "\U0001f6bb\U0001f3ff": true, "caf\u00e9": true, "cafe\u0301": true,
		"Sessions": true, "Services": true, "v1": true, "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": true,
		strings.Repeat("x", 191): true, strings.Repeat("\U0001f600", 191): true, "\uff0e\uff0e": true, "\uff0f": true, "\ufffd": true,

		"": false, ".": false, "..": false, "../x": false, "x/..": false, "x/../y": false, "./x": false, "x/./y": false, `..\x`: false, `x\..`: false,
		"/..": false, "../": false, "a\x00b": false, "\n": false, "a\r\nHost: evil": false, "\t": false, "\x7f": false, "\u0085": false, "\xff": false, "a\xc3": false, "\xed\xa0\x80": false,
	} {
		for _, prefix := range prefixes {
			c := testClient(t, s.url+prefix)
			require.Equal(t, asked, s.requireOwnPath(t, c, prefix, name), strconv.Quote(name))
		}
	}
}

func FuzzNames(f *testing.F) {
	s := newNameServer(f)
	for _, name := range []string{"order 1234", "..", "a/../b", "%2e%2e%2f", "\x00", "?#;", "\U0001f600"} {
		f.Add(name)
	}
	var clients []*Client
	for _, prefix := range prefixes {
		clients = append(clients, testClient(f, s.url+prefix))
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 4<<10 {
			return
		}
		for i, prefix := range prefixes {
			s.requireOwnPath(t, clients[i], prefix, name)
		}
	})
}

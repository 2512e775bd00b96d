package guard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask sends a request through handler over loopback.
func ask(t *testing.T, handler http.Handler, method string, change func(*http.Request)) *http.Response {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	r, err := http.NewRequest(method, server.URL, nil)
	require.NoError(t, err)
	if change != nil {
		change(r)
	}
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	response.Body.Close()
	return response
}

var admitted = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Authorization-Seen", r.Header.Get("Authorization"))
	w.Header().Set("X-Caller", Caller(r.Context()))
	w.WriteHeader(http.StatusTeapot)
})

func TestOrigin(t *testing.T) {
	var refused []string
	g := &Guards{Origins: []string{"https://app.example"}, Refused: func(guard string) { refused = append(refused, guard) }}
	for origin, want := range map[string]int{
		"": http.StatusTeapot, "https://app.example": http.StatusTeapot,
		"http://app.example": http.StatusForbidden, "https://app.example.evil.example": http.StatusForbidden, "null": http.StatusForbidden,
	} {
		response := ask(t, g.Origin(admitted), http.MethodPost, func(r *http.Request) {
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
		})
		require.Equal(t, want, response.StatusCode, origin)
		allowed := ""
		if origin == "https://app.example" {
			allowed = origin
		}
		require.Equal(t, allowed, response.Header.Get("Access-Control-Allow-Origin"), origin)
	}
	require.Equal(t, []string{"origin", "origin", "origin"}, refused)
	two := ask(t, g.Origin(admitted), http.MethodPost, func(r *http.Request) { r.Header["Origin"] = []string{"https://app.example", "https://evil.example"} })
	require.Equal(t, http.StatusForbidden, two.StatusCode)
	// Without Vary, a cache could give one page the answer meant for another.
	for _, origin := range []string{"https://app.example", "https://evil.example"} {
		response := ask(t, g.Origin(admitted), http.MethodPost, func(r *http.Request) { r.Header.Set("Origin", origin) })
		require.Contains(t, response.Header.Values("Vary"), "Origin")
	}
	require.Contains(t, ask(t, g.Origin(admitted), http.MethodPost, nil).Header.Values("Vary"), "Origin")
	none := ask(t, (&Guards{}).Origin(admitted), http.MethodPost, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1") })
	require.Equal(t, http.StatusForbidden, none.StatusCode, "no origin is allowed by default")
}

func TestAHandlerCannotChangeTheCORSHeaders(t *testing.T) {
	g := &Guards{Origins: []string{"https://app.example"}}
	for name, answer := range map[string]func(http.ResponseWriter){
		"with a status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"without":       func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"flushed":       func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"empty":         func(http.ResponseWriter) {},
	} {
		open := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			answer(w)
		})
		response := ask(t, g.Origin(open), http.MethodGet, func(r *http.Request) { r.Header.Set("Origin", "https://app.example") })
		require.Equal(t, []string{"https://app.example"}, response.Header.Values("Access-Control-Allow-Origin"), name)
		require.Empty(t, response.Header.Get("Access-Control-Allow-Credentials"), name)
	}
}

func TestOriginAnswersPreflights(t *testing.T) {
	g := &Guards{Origins: []string{"https://app.example"}, Tokens: []string{strings.Repeat("a", 32)}}
	preflight := func(origin string) *http.Response {
		return ask(t, g.Origin(g.Authorize(admitted)), http.MethodOptions, func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
		})
	}
	response := preflight("https://app.example")
	require.Equal(t, http.StatusNoContent, response.StatusCode)
	require.Contains(t, response.Header.Get("Access-Control-Allow-Headers"), "Authorization")
	require.Equal(t, http.StatusForbidden, preflight("https://evil.example").StatusCode)
}

func TestHost(t *testing.T) {
	for _, c := range []struct {
		hosts []string
		host  string
		want  int
	}{
		{nil, "127.0.0.1:8080", http.StatusTeapot},
		{nil, "localhost", http.StatusTeapot},
		{nil, "LocalHost:1", http.StatusTeapot},
		{nil, "[::1]:8080", http.StatusTeapot},
		{nil, "evil.example", http.StatusForbidden},
		{nil, "127.0.0.1.evil.example", http.StatusForbidden},
		{nil, "192.0.2.1:8080", http.StatusForbidden},
		{nil, "localhost:18101.evil.example", http.StatusForbidden},
		{nil, "127.0.0.1:x", http.StatusForbidden},
		{[]string{"mcp.example"}, "mcp.example:80.evil.example", http.StatusForbidden},
		{[]string{"mcp.example"}, "mcp.example", http.StatusTeapot},
		{[]string{"mcp.example"}, "MCP.example:8443", http.StatusTeapot},
		{[]string{"mcp.example"}, "localhost", http.StatusForbidden},
		{[]string{"mcp.example:8443"}, "mcp.example:8443", http.StatusTeapot},
		{[]string{"mcp.example:8443"}, "mcp.example:9443", http.StatusForbidden},
		{[]string{"[2001:db8::1]"}, "[2001:db8::1]:80", http.StatusTeapot},
	} {
		g := &Guards{Hosts: c.hosts}
		response := ask(t, g.Host(admitted), http.MethodGet, func(r *http.Request) { r.Host = c.host })
		require.Equal(t, c.want, response.StatusCode, "%v %s", c.hosts, c.host)
	}
}

func TestBearerToken(t *testing.T) {
	oldToken, newToken := strings.Repeat("a", 32), strings.Repeat("b", 32)
	var refused []string
	g := &Guards{Tokens: []string{oldToken, newToken}, Refused: func(guard string) { refused = append(refused, guard) }}
	callers := map[string]bool{}
	for authorization, want := range map[string]int{
		"Bearer " + oldToken: http.StatusTeapot, "bearer " + newToken: http.StatusTeapot,
		"": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized, "Bearer " + oldToken + "x": http.StatusUnauthorized,
		"Basic " + oldToken: http.StatusUnauthorized, oldToken: http.StatusUnauthorized,
	} {
		response := ask(t, g.Authorize(admitted), http.MethodPost, func(r *http.Request) {
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
		})
		require.Equal(t, want, response.StatusCode, authorization)
		if want == http.StatusTeapot {
			require.Empty(t, response.Header.Get("X-Authorization-Seen"), "the header must go no further")
			callers[response.Header.Get("X-Caller")] = true
			require.NotContains(t, response.Header.Get("X-Caller"), "aaaa")
		} else {
			require.Contains(t, response.Header.Get("WWW-Authenticate"), "Bearer")
		}
	}
	require.Len(t, callers, 2, "each token is a separate caller")
	require.Len(t, refused, 5)
}

func TestWithoutTokensEveryoneIsAdmittedAndTheHeaderIsRemoved(t *testing.T) {
	response := ask(t, (&Guards{}).Authorize(admitted), http.MethodPost, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") })
	require.Equal(t, http.StatusTeapot, response.StatusCode)
	require.Empty(t, response.Header.Get("X-Authorization-Seen"))
	require.Empty(t, response.Header.Get("X-Caller"))
}

func TestCheckRefusesOpenAddresses(t *testing.T) {
	token := []string{strings.Repeat("a", 32)}
	for _, c := range []struct {
		addr   string
		guards Guards
		want   string
	}{
		{"127.0.0.1:80", Guards{}, ""},
		{"[::1]:80", Guards{}, ""},
		{"0.0.0.0:80", Guards{}, "set a bearer token or an OAuth issuer"},
		{"[::]:80", Guards{Hosts: []string{"mcp.example"}}, "set a bearer token or an OAuth issuer"},
		{"0.0.0.0:80", Guards{Tokens: token}, "name the hosts"},
		{"0.0.0.0:80", Guards{Tokens: token, Hosts: []string{"mcp.example"}}, ""},
		{"127.0.0.1:80", Guards{Tokens: []string{"short"}}, "at least 16"},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "http://auth.example", Audience: "https://mcp.example"}}, "must be an https URL"},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example"}}, "needs an audience"},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example", Audience: "mcp"}}, "is not a URL"},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example", Audience: "mcp", Resource: "https://mcp.example/mcp"}}, ""},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example", Audience: "api://mcp/x"}}, "say by which URL clients know this server"},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example", Audience: "api://mcp/x", Resource: "ftp://mcp.example"}}, "resource \"ftp://mcp.example\""},
		{"127.0.0.1:80", Guards{OAuth: &OAuth{Issuer: "https://auth.example", Audience: "api://mcp/x", Resource: "https://mcp.example/mcp"}}, ""},
		{"127.0.0.1:80", Guards{Origins: []string{"https://app.example", "http://localhost:3000", "chrome-extension://abc"}}, ""},
		{"127.0.0.1:80", Guards{Origins: []string{"https://app.example/"}}, "without a path"},
		{"127.0.0.1:80", Guards{Hosts: []string{"*"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"*.example"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"https://a.example"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"a.example/mcp"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"a.example:http"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"u@a.example"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{":80"}}, "matches no request"},
		{"127.0.0.1:80", Guards{Hosts: []string{"a.example", "A.example:8080", "10.0.0.1", "[::1]", "::1", "[::1]:80"}}, ""},
		{"127.0.0.1:80", Guards{Origins: []string{"*"}}, "matches no web page"},
		{"127.0.0.1:80", Guards{Origins: []string{"https://*.example"}}, "matches no web page"},
		{"127.0.0.1:80", Guards{Origins: []string{"app.example"}}, "matches no web page"},
		{"127.0.0.1:80", Guards{Origins: []string{"localhost:3000"}}, "matches no web page"},
		{"127.0.0.1:80", Guards{Origins: []string{"null"}}, "matches no web page"},
		{"127.0.0.1:80", Guards{Origins: []string{"https://app.example:443"}}, "leave that port out"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.addr)
		require.NoError(t, err)
		err = c.guards.Check(addr)
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func TestAByteOrderMarkBeforeAMessageIsSkipped(t *testing.T) {
	onEachTransport(t, newFixture().server, func(t *testing.T, ask func(string) answer) {
		for range 2 { // before any message, not only before the first
			require.Equal(t, `{"n":1}`, ask("\ufeff" + strings.TrimSpace(callLine(1, "echo"))).Result.Content[0].Text)
			require.Nil(t, ask("\ufeff"+`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`).Error, "mcp-go does not see it either")
		}
		require.Equal(t, -32700, ask(`{"jsonrpc":`+"\ufeff"+`"2.0","id":3,"method":"ping"}`).Error.Code, "elsewhere it is no JSON")
	})
}

func TestBlankLinesAreSkipped(t *testing.T) {
	in := "\n\r\n \t\r\n\ufeff\n\ufeff\r\n" + strings.ReplaceAll(callLine(1, "echo"), "\n", "\r\n") + "\n  "
	var out bytes.Buffer
	require.NoError(t, newFixture().server().Stdio(context.Background(), strings.NewReader(in), &out))
	require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
	require.Equal(t, `{"n":1}`, readAnswer(t, out.String()).Result.Content[0].Text)
	h := startHTTP(t, newFixture().server(), HTTP{})
	require.Equal(t, http.StatusBadRequest, h.post("/mcp", " \r\n").status, "a request has an answer")
}

func TestANullIDBesideAMethodIsRefused(t *testing.T) {
	f := newFixture()
	onEachTransport(t, f.server, func(t *testing.T, ask func(string) answer) {
		for _, method := range []string{`"tools/call"`, `"initialize"`, `"ping"`, `"notifications/initialized"`, `"unheard/of"`, `null`} {
			a := ask(`{"jsonrpc":"2.0","id":null,"method":` + method + `,"params":{"name":"stubborn"}}`)
			require.Equal(t, -32600, a.Error.Code)
			require.Equal(t, "null", string(a.ID))
			require.Contains(t, a.Error.Message, `"id" must not be null`)
		}
		require.Empty(t, f.started)
	})
}

// oddHandshakes are an initialize with what this server does not use in odd forms, which must not matter.
var oddHandshakes = []string{
	`{}`, `null`, `{"protocolVersion":20250618,"capabilities":{},"clientInfo":{"name":"c","version":"1"}}`,
	`{"protocolVersion":"2025-06-18","capabilities":[],"clientInfo":"c"}`,
	`{"protocolVersion":"2025-06-18","capabilities":null,"clientInfo":null}`,
	`{"protocolVersion":"2025-06-18","capabilities":{"roots":true,"sampling":1,"elicitation":"yes","experimental":[],"extensions":0},"clientInfo":{"name":5,"version":1.0,"icons":"x"}}`,
	`{"protocolVersion":"2025-06-18","capabilities":{"experimental":{"a":null}},"clientInfo":{"icons":[{"src":5,"sizes":"any"}]},"name":5,"requestState":7,"cursor":{}}`,
	`{"clientInfo":{},"clientInfo":5,"clientinfo":{},"name":1,"name":2,"Task":0,"x":1,"x":2}`,
	`{"protocolVersion":"2025-06-18","_meta":[]}`, `{"protocolVersion":"2025-06-18","_meta":{"progressToken":1e400}}`,
}

func TestAnOddHandshakeIsAHandshake(t *testing.T) {
	onEachTransport(t, newFixture().server, func(t *testing.T, ask func(string) answer) {
		for _, params := range oddHandshakes {
			require.Nil(t, ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+params+`}`).Error, params)
		}
		for _, member := range []string{"_meta", "capabilities", "protocolVersion"} { // which one counts?
			for _, twice := range []string{member, strings.ToUpper(member)} {
				a := ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"` + member + `":{},"` + twice + `":{}}}`)
				require.Equal(t, -32602, a.Error.Code, twice)
				require.Contains(t, a.Error.Message, `params: "`+member+`"`)
			}
		}
		for _, envelope := range []string{`"jsonrpc":"2.0","id":1,"id":1`, `"jsonrpc":"2.0","id":1,"x":1,"x":2`} {
			require.Equal(t, -32600, ask(`{`+envelope+`,"method":"initialize","params":{}}`).Error.Code, envelope)
		}
		a := ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":[]}`)
		require.Equal(t, -32602, a.Error.Code)
		require.Contains(t, a.Error.Message, `"params"`)
	})
}

// An elicitation that is declared in an odd form is not declared.
func TestAnOddElicitationIsNone(t *testing.T) {
	for _, declared := range []string{`true`, `"yes"`, `[]`, `null`, `{"form":5}`} {
		got := readCapabilities(json.RawMessage(`{"sampling":{},"elicitation":` + declared + `}`))
		require.Nil(t, got.Elicitation, declared)
		require.NotNil(t, got.Sampling, declared)
	}
}

func TestAnOddCapabilityOfTheLatestRevisionIsNotDeclared(t *testing.T) {
	params := `{"cursor":"","_meta":{"a":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":5,"sampling":{},"experimental":[]}}}`
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list","params":` + params + "}\n")
	line := client.receive()
	require.Contains(t, line, `"resultType":"complete"`)
	require.Equal(t, "9007199254740993", string(readAnswer(t, line).ID))
	h := startHTTP(t, newFixture().server(), HTTP{})
	r, err := h.do(http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":`+params+`}`,
		map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.status, r.body)
}

func TestACursorThatIsNone(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"%"}}` + "\n")
	a := readAnswer(t, client.receive())
	require.Equal(t, -32602, a.Error.Code)
	require.Equal(t, `params: "cursor" is missing, or not as tools/list takes it; nothing was done`, a.Error.Message)
}

// behindPrefix is the server behind a reverse proxy that takes /a/prefix away.
func behindPrefix(t *testing.T, h *httpServer) string {
	t.Helper()
	target, err := url.Parse(h.url)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := startProxy(t, http.StripPrefix("/a/prefix", proxy))
	return front + "/a/prefix"
}

func TestThePathsWorkBehindAPrefixAndWithASlash(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	for _, base := range []string{h.url, behindPrefix(t, h)} {
		for _, slash := range []string{"", "/"} {
			site := &httpServer{t: t, url: base, client: h.client}
			require.Equal(t, `{"n":1}`, readAnswer(t, site.post("/mcp"+slash, callLine(1, "echo")).body).Result.Content[0].Text)
			stream := site.openSSEAt("/sse" + slash)
			stream.send(callLine(2, "echo"))
			require.Equal(t, "2", string(readAnswer(t, stream.receive()).ID))
			stream.body.Close()
		}
	}
}

func TestAPostElsewhereIsToldWhereMCPIs(t *testing.T) {
	other := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for name, config := range map[string]HTTP{"alone": {}, "beside another": {Other: other, OtherPosts: []string{"/v1/"}}} {
		h := startHTTP(t, newFixture().server(), config)
		for path, want := range map[string]int{
			"/": http.StatusNotFound, "/mcp/v1": http.StatusNotFound, "/api": http.StatusNotFound, "/messages": http.StatusNotFound,
			"/sse": http.StatusMethodNotAllowed, "/sse/": http.StatusMethodNotAllowed,
		} {
			r := h.post(path, callLine(1, "echo"))
			require.Equal(t, want, r.status, "%s %s", name, path)
			require.Equal(t, "MCP is at /mcp; nothing was done", r.body, "%s %s", name, path)
		}
		if config.Other != nil {
			require.Equal(t, http.StatusTeapot, h.post("/v1/Services", "").status)
			require.Equal(t, http.StatusTeapot, h.get("/").status)
		}
	}
}

func TestAnEncodedBodyIsRefusedBeforeItIsUsed(t *testing.T) {
	var refused []string
	reached := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { refused = append(refused, "reached") })
	config := HTTP{Other: reached, OtherPosts: []string{"/v1/"}, Guards: guard.Guards{Refused: func(g string) { refused = append(refused, g) }}}
	h := startHTTP(t, newFixture().server(), config)
	stream := h.openSSE()
	for _, path := range []string{"/mcp", stream.endpoint, "/v1/Services"} {
		for _, coding := range []string{"gzip", "GZIP", "br", "identity, gzip", "x-unheard-of"} {
			refused = nil
			r, err := h.do(http.MethodPost, path, callLine(1, "echo"), map[string]string{"Content-Encoding": coding})
			require.NoError(t, err)
			require.Equal(t, http.StatusUnsupportedMediaType, r.status, "%s %s", path, coding)
			require.Equal(t, "identity", r.header.Get("Accept-Encoding"))
			require.Contains(t, r.body, "nothing was done")
			require.Equal(t, []string{"body"}, refused)
		}
	}
	twice, err := http.NewRequest(http.MethodPost, h.url+"/mcp", strings.NewReader(callLine(1, "echo")))
	require.NoError(t, err)
	twice.Header["Content-Encoding"] = []string{"identity", "gzip"} // the header may come in several lines
	response, err := h.client.Do(twice)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusUnsupportedMediaType, response.StatusCode)
	require.True(t, response.Close, "the rest of the body is not read as a request")
	large := strings.Repeat("x", 2<<20) // more than a connection holds: the client sees the answer all the same
	r, err := h.do(http.MethodPost, "/mcp", large, map[string]string{"Content-Encoding": "gzip"})
	require.NoError(t, err)
	require.Equal(t, http.StatusUnsupportedMediaType, r.status)
	r, err = h.do(http.MethodPost, "/mcp", callLine(1, "echo"), map[string]string{"Content-Encoding": "Identity"})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.status)

	guarded := startHTTP(t, newFixture().server(), HTTP{Guards: guards(token("a"))})
	r, err = guarded.do(http.MethodPost, "/mcp", callLine(1, "echo"), map[string]string{"Content-Encoding": "gzip"})
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, r.status, "who may not call is told that alone")
}

// A client that is told 401 where it looks for an authorization server begins to log in.
func TestWithoutOAuthThereIsNothingToDiscover(t *testing.T) {
	paths := []string{"/.well-known", "/.well-known/", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server",
		"/.well-known/openid-configuration", "/register", "/authorize", "/token"}
	other := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, config := range []HTTP{{Guards: guards(token("a"))}, {}, {Guards: guards(token("a")), Other: other}} {
		h := startHTTP(t, newFixture().server(), config)
		h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // one would come before the guards
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r, err := h.do(method, path, "{}", nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusNotFound, r.status, "%s %s", method, path)
				require.Equal(t, "there is no authorization server here; MCP is at /mcp; nothing was done", r.body, "%s %s", method, path)
				r, err = h.do(method, path, "{}", map[string]string{"Origin": "https://evil.example"})
				require.NoError(t, err)
				require.Equal(t, http.StatusForbidden, r.status, "%s %s", method, path)
			}
			r, err := http.NewRequest(http.MethodGet, h.url+path, nil)
			require.NoError(t, err)
			r.Host = "evil.example"
			response, err := h.client.Do(r)
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, http.StatusForbidden, response.StatusCode, path)
		}
	}
}

func TestAVersionThatIsNoStringGetsTheLatestHandshake(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":20250618}}` + "\n")
	require.Contains(t, client.receive(), `"protocolVersion":"`+mcp.LATEST_LEGACY_PROTOCOL_VERSION+`"`)
}

// net/http would redirect such a path, or answer such a target, before a guard has seen the request.
func TestNoTargetIsBeforeTheGuards(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guards(token("a"))})
	host := strings.TrimPrefix(h.url, "http://")
	targets := []string{"*", "//", "///", "/..", "/%2e%2e", "/healthz/.", "//readyz", host}
	for _, path := range []string{"/mcp", "/sse", "/message", "/metrics"} {
		targets = append(targets, "/"+path, "/."+path, "/%2e"+path, "/%2E"+path, "/x/.."+path, "/x/%2e%2e"+path, "/x%2f..%2f.."+path, "/%2f"+path, "/.."+path,
			path+"//", path+"/.", path+"/..", path+"/%2e", path+"/%2e%2E"+path, path+"%2f.", "http://"+host+"/"+path, "http://"+host+"/."+path)
	}
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for _, target := range targets {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodConnect, http.MethodDelete} {
			if (target == host) != (method == http.MethodConnect) && !strings.HasPrefix(target, "/") { // no request has such a target
				continue
			}
			for _, c := range []struct {
				header string
				want   int
			}{
				{"Authorization: Bearer " + token("a") + "\r\nOrigin: https://evil.example\r\n", http.StatusForbidden},
				{"", http.StatusUnauthorized},
				{"Authorization: Bearer " + token("a") + "\r\n", http.StatusNotFound},
			} {
				_, err := io.WriteString(conn, method+" "+target+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 0\r\n"+c.header+"\r\n")
				require.NoError(t, err)
				answer, err := http.ReadResponse(answers, &http.Request{Method: method})
				require.NoError(t, err, "%s %s", method, target)
				_, err = io.Copy(io.Discard, answer.Body)
				require.NoError(t, err)
				require.Equal(t, c.want, answer.StatusCode, "%s %s", method, target)
				require.Empty(t, answer.Header.Get("Location"), "%s %s", method, target)
			}
		}
	}
	for _, target := range []string{"*", "/./mcp"} {
		_, err = io.WriteString(conn, "OPTIONS "+target+" HTTP/1.1\r\nHost: evil.example\r\n\r\n")
		require.NoError(t, err)
		answer, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Contains(t, string(text), "this Host is not allowed")
	}
}

package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

const (
	firstToken  = "first-token-aaaaaaaaaaaaaaaa"
	secondToken = "second-token-bbbbbbbbbbbbbbb"
)

// route is a request that the guards must check.
type route struct{ method, path, body string }

var guarded = []route{
	{http.MethodPost, "/mcp", rpc(1, "tools/call", sendParams("hello", nil))},
	{http.MethodGet, "/sse", ""},
	{http.MethodPost, "/message?sessionId=made-up", rpc(1, "tools/call", sendParams("hello", nil))},
	{http.MethodGet, "/metrics", ""},
}

// status requests a route and returns the status and header. It reads no body, because /sse does not end.
func (s *site) status(r route) (int, http.Header) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.method, s.url+r.path, strings.NewReader(r.body))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range s.header {
		request.Header.Set(name, value)
	}
	if host := s.header["Host"]; host != "" {
		request.Host = host
	}
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

func TestOriginAndHostGuards(t *testing.T) {
	f, env := startFake(t)
	s := startHTTP(t, environment(t, env...), "--allowed-origins", "https://app.example", "--allowed-hosts", "mcp.example,127.0.0.1")
	for _, r := range append(guarded, route{http.MethodGet, "/healthz", ""}, route{http.MethodGet, "/readyz", ""}) {
		for _, origin := range []string{"https://evil.example", "null", "http://app.example", s.url} {
			status, header := s.as("Origin", origin).status(r)
			require.Equal(t, http.StatusForbidden, status, "%s %s", r.path, origin)
			require.Empty(t, header.Get("Access-Control-Allow-Origin"))
		}
		status, header := s.as("Origin", "https://app.example").status(r)
		require.NotEqual(t, http.StatusForbidden, status, r.path)
		require.Equal(t, "https://app.example", header.Get("Access-Control-Allow-Origin"))
	}
	accepted := f.Accepted()
	require.Equal(t, 1, accepted, "the call from the allowed page")
	for _, r := range guarded {
		status, _ := s.as("Host", "rebound.example").status(r)
		require.Equal(t, http.StatusForbidden, status, r.path)
		status, _ = s.as("Host", "mcp.example:8080").status(r)
		require.NotEqual(t, http.StatusForbidden, status, r.path)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		require.Equal(t, http.StatusOK, s.as("Host", "10.0.0.7").get(path).status, "probes may use any host")
	}
	preflight, err := s.as("Origin", "https://app.example").as("Access-Control-Request-Method", "POST").ask(http.MethodOptions, "/mcp", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Contains(t, preflight.header.Get("Access-Control-Allow-Headers"), "Mcp-Protocol-Version")
	require.Equal(t, accepted, f.Accepted())
	s.stop()
}

func TestTokensFromAFile(t *testing.T) {
	var mu sync.Mutex
	var seen bytes.Buffer // everything that the upstream receives
	u := newUpstream(t)
	next := u.server.Config.Handler
	u.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		io.WriteString(&seen, r.RequestURI+"\n")
		r.Header.Write(&seen)
		seen.Write(body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
	u.server.Start()
	u.env[0] += u.server.URL
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(firstToken+"\n"+secondToken+"\n"), 0o600))
	s := startHTTP(t, environment(t, u.env...), "--token-file", file)

	for name, caller := range map[string]*site{
		"none": s, "wrong": s.bearer("wrong-token-cccccccccccccccc"), "part": s.bearer(firstToken[:20]),
		"both": s.bearer(firstToken + " " + secondToken), "basic": s.as("Authorization", "Basic "+firstToken),
	} {
		for _, r := range guarded {
			status, header := caller.status(r)
			require.Equal(t, http.StatusUnauthorized, status, "%s %s", name, r.path)
			require.Contains(t, header.Get("WWW-Authenticate"), "Bearer", name)
		}
		require.Equal(t, http.StatusOK, caller.get("/healthz").status)
	}
	require.Zero(t, u.Accepted())

	first, second := s.bearer(firstToken), s.bearer(secondToken)
	one := first.send("hello")
	require.Equal(t, outcome{Code: "sent", Sent: "yes"}, one.kind())
	require.Equal(t, outcome{Code: "sent", Sent: "yes"}, second.send("hello").kind(), "another caller, another message")
	require.Equal(t, 2, u.Accepted())
	repeated := first.send("hello")
	require.True(t, repeated.outcome().Replayed)
	require.Equal(t, one.receipt(t), repeated.receipt(t))
	require.Equal(t, 2, u.Accepted())
	stream := second.openSSE()
	r, err := first.ask(http.MethodPost, stream.endpoint, strings.NewReader(guarded[0].body))
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, r.status, "the stream belongs to another caller")

	s.stop()
	require.Contains(t, seen.String(), "Authorization: Basic ")
	for _, text := range []string{seen.String(), s.stderr.String()} {
		require.NotContains(t, text, firstToken)
		require.NotContains(t, text, secondToken)
	}
}

func TestTokenFromTheEnvironment(t *testing.T) {
	f, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_TOKEN="+firstToken)...))
	require.Equal(t, http.StatusUnauthorized, s.post(guarded[0].body).status)
	require.Equal(t, "sent", s.bearer(firstToken).send("hello").outcome().Code)
	require.Equal(t, 1, f.Accepted())
}

func TestBodiesOfMoreThanAMebibyteAreRefused(t *testing.T) {
	f, env := startFake(t)
	s := startHTTP(t, environment(t, env...))
	call := func(size int) string { // a valid call of exactly size bytes
		line := rpc(1, "tools/call", sendParams("hello", nil))
		return line + strings.Repeat(" ", size-len(line))
	}
	stream := s.openSSE()
	for _, path := range []string{"/mcp", stream.endpoint} {
		expecting := s.as("Expect", "100-continue") // the client sends the body only if it is wanted
		r, err := expecting.ask(http.MethodPost, path, strings.NewReader(call(1<<20+1)))
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, r.status)
		r, err = s.ask(http.MethodPost, path, struct{ io.Reader }{strings.NewReader(call(1<<20 + 1))}) // chunked, because the length is unknown
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, r.status)
		require.Contains(t, r.body, "nothing was done")
	}
	require.Zero(t, f.Accepted())
	require.Equal(t, http.StatusOK, s.post(call(1<<20)).status)
	require.Equal(t, 1, f.Accepted())
	s.stop()
}

// The server only listens to other machines if it knows who may call.
func TestOpenAddressesNeedGuards(t *testing.T) {
	env := environment(t, "TWILIO_ACCOUNT_SID="+fake.AccountSid, "TWILIO_AUTH_TOKEN=fake", "TWILIO_PROXY_BASE_URL=http://127.0.0.1:1")
	for name, c := range map[string]struct {
		flags, env []string
		says       []string
	}{
		"nobody is named": {nil, nil, []string{"--token-file", "TWILIO_PROXY_MCP_TOKEN", "--oauth-issuer", "127.0.0.1"}},
		"no hosts":        {nil, []string{"TWILIO_PROXY_MCP_TOKEN=" + firstToken}, []string{"--allowed-hosts", "127.0.0.1"}},
		"a short token":   {[]string{"--allowed-hosts", "mcp.example"}, []string{"TWILIO_PROXY_MCP_TOKEN=secret"}, []string{"at least 16", "openssl rand"}},
	} {
		out, errOut, code := run(t, append(env, c.env...), "", append([]string{"http", "--addr", "0.0.0.0:0"}, c.flags...)...)
		require.NotZero(t, code, name)
		require.Empty(t, out, name)
		for _, part := range c.says {
			require.Contains(t, errOut, part, name)
		}
		require.NotContains(t, errOut, firstToken, name)
	}
	s := startHTTP(t, append(env, "TWILIO_PROXY_MCP_TOKEN="+firstToken), "--addr", "0.0.0.0:0", "--allowed-hosts", "mcp.example")
	s.stop()
}

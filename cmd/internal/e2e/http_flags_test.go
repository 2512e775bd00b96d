package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
	"twilio-proxy-mcp/twilio/fake"
)

// Flags that let nobody call, or more callers than intended, are refused at the start.
func TestHTTPFlagsThatCannotBeMeant(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(firstToken), 0o600))
	const variable = "TWILIO_PROXY_MCP_TOKEN"
	oauth := []string{"--oauth-issuer", "https://auth.example", "--oauth-audience", "api://mcp"}
	for name, c := range map[string]struct {
		env, flags []string
		says       string
	}{
		"a blank token":       {[]string{variable + "=  "}, nil, variable + " is set and holds no token"},
		"two places":          {[]string{variable + "=" + firstToken}, []string{"--token-file", file}, variable + " and --token-file are both set"},
		"a blank, and a file": {[]string{variable + "= "}, []string{"--token-file", file}, "both set"},
		"an origin's slash":   {nil, []string{"--allowed-origins", "https://app.example/"}, `"https://app.example/" matches no web page`},
		"any origin":          {nil, []string{"--allowed-origins", "*"}, `"*" matches no web page`},
		"less than no calls":  {nil, []string{"--max-in-flight=-1"}, "--max-in-flight must be at least 1"},
		"no calls":            {nil, []string{"--max-in-flight=0"}, "--max-in-flight must be at least 1"},
		"no resource":         {nil, oauth, "--oauth-resource"},
	} {
		out, errOut, code := run(t, environment(t, c.env...), "", append([]string{"http", "--addr", "127.0.0.1:0"}, c.flags...)...)
		require.NotZero(t, code, name)
		require.Empty(t, out, name)
		require.Contains(t, errOut, c.says, name)
		require.NotContains(t, errOut, firstToken, name)
	}
	empty := startHTTP(t, environment(t, variable+"="), "--token-file", file)
	require.Equal(t, http.StatusUnauthorized, empty.post("{}").status, "an empty variable counts as unset")
	require.Equal(t, "sent", empty.bearer(firstToken).send("hello").outcome().Code)
	empty.stop()

	i := startIssuer(t)
	s := startHTTP(t, environment(t), "--oauth-issuer", i.URL, "--oauth-audience", "api://mcp", "--oauth-resource", "https://mcp.example/mcp")
	require.Contains(t, s.post("{}").header.Get("WWW-Authenticate"), `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`)
	require.Contains(t, s.get("/.well-known/oauth-protected-resource/mcp").body, `"resource":"https://mcp.example/mcp"`)
	require.Equal(t, "sent", s.bearer(i.token(t, map[string]any{"aud": "api://mcp"})).send("hello").outcome().Code)
	s.stop()
}

func TestMaxInFlightIsObeyed(t *testing.T) {
	u := startUpstream(t)
	s := startHTTP(t, environment(t, u.env...), "--max-in-flight", "1")
	release := u.hold(t)
	answered := s.begin("hello")
	eventually(t, func() bool { return u.Accepted() == 1 })
	refused := s.post(rpc(2, "tools/call", sendParams("one too many", nil)))
	require.Equal(t, http.StatusServiceUnavailable, refused.status)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	require.Equal(t, "1", s.sample(`twilio_proxy_mcp_refused_requests_total{guard="in_flight"}`))
	release()
	require.Equal(t, http.StatusOK, (<-answered).status)
	require.Equal(t, "sent", s.send("hello again").outcome().Code)
	require.Equal(t, 2, u.Accepted())
	s.stop()
}

// On the fake backend, the fake answers only the paths that the server does not have.
func TestOnTheFakeBackendTheGuardsStand(t *testing.T) {
	s := startHTTP(t, environment(t), "--backend", "fake", "--allowed-origins", "https://app.example")
	for path, method := range map[string]string{"/mcp": http.MethodGet, "/sse": http.MethodPost, "/message": http.MethodGet, "/metrics": http.MethodPost} {
		r, err := s.ask(method, path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, r.status, path)
		require.NotEmpty(t, r.header.Get("Allow"), path)
	}
	r := s.as("Origin", "https://app.example").get("/v1/Services/" + fake.ServiceSid)
	require.NotEmpty(t, r.header.Get("Twilio-Request-Id"), "the fake's own answer")
	require.Equal(t, []string{"https://app.example"}, r.header.Values("Access-Control-Allow-Origin"))
	s.stop()
}

func TestReadinessFollowsASharedLedger(t *testing.T) {
	wire := ledgertest.NewWire(t, postgres.Schema(t))
	f, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_LEDGER="+wire.DSN)...))
	require.Equal(t, http.StatusOK, s.get("/readyz").status)
	wire.Cut()
	require.Equal(t, http.StatusServiceUnavailable, s.get("/readyz").status)
	require.Equal(t, http.StatusOK, s.get("/healthz").status)
	require.Equal(t, "try_later", s.send("hello").outcome().Code)
	wire.Mend()
	eventually(t, func() bool { return s.get("/readyz").status == http.StatusOK })
	require.Equal(t, "sent", s.send("hello").outcome().Code)
	require.Equal(t, 1, f.Accepted())
	s.stop()
}

func TestAnUnreachableLedgerIsNotReady(t *testing.T) {
	_, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_LEDGER=postgres://127.0.0.1:1/none")...))
	require.Equal(t, http.StatusServiceUnavailable, s.get("/readyz").status)
	s.stop()
}

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A refusal tells the client what it can do, and the log tells the person who runs the server of it.
func TestRefusalsSayWhatHelps(t *testing.T) {
	_, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_TOKEN="+firstToken)...))
	for _, c := range []struct {
		ask    *site
		status int
		says   []string
	}{
		{s, http.StatusUnauthorized, []string{"token is missing", "Authorization: Bearer …"}},
		{s.as("Authorization", "Basic "+secondToken), http.StatusUnauthorized, []string{"token is missing", "Authorization: Bearer …"}},
		{s.bearer(secondToken), http.StatusUnauthorized, []string{"token is not known", "Authorization: Bearer …"}},
		{s.bearer(firstToken).as("Origin", "https://evil.example"), http.StatusForbidden, []string{"Origin", "--allowed-origins"}},
		{s.bearer(firstToken).as("Host", "evil.example"), http.StatusForbidden, []string{"Host", "--allowed-hosts"}},
		{s.bearer(firstToken).as("Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, []string{"Content-Encoding"}},
	} {
		r := c.ask.post(guarded[0].body)
		require.Equal(t, c.status, r.status)
		for _, part := range append(c.says, "nothing was done") {
			require.Contains(t, r.body, part)
		}
	}
	s.stop()
	log := s.stderr.String()
	require.Equal(t, 6, strings.Count(log, "a request was refused"), log)
	for _, part := range []string{"level=INFO", "guard=token status=401 route=/mcp", "guard=origin status=403", "guard=host status=403", "guard=body status=415"} {
		require.Contains(t, log, part)
	}
	require.NotContains(t, log, secondToken)
	require.NotContains(t, log, "evil.example")
}

func TestTheFakeRefusesEncodedBodiesAndNamesItsFlags(t *testing.T) {
	alone, stop := startFakeCommand(t)
	defer stop()
	beside := startHTTP(t, environment(t), "--backend", "fake")
	for name, s := range map[string]*site{"beside the server": beside, "alone": {t: t, url: alone, client: beside.client}} {
		for _, path := range []string{"/v1/Services", "/_fake/reset"} {
			r, err := s.as("Content-Encoding", "gzip").ask(http.MethodPost, path, strings.NewReader("x"))
			require.NoError(t, err)
			require.Equal(t, http.StatusUnsupportedMediaType, r.status, "%s %s", name, path)
			require.Equal(t, "identity", r.header.Get("Accept-Encoding"))
		}
		r, err := s.as("Origin", "https://evil.example").ask(http.MethodPost, "/_fake/reset", nil)
		require.NoError(t, err)
		require.Contains(t, r.body, "--allowed-origins", name)
		r, err = s.ask(http.MethodPost, "/_fake/reset", nil)
		require.NoError(t, err)
		require.Less(t, r.status, 300, "%s %s", name, r.body)
	}
	r, err := beside.ask(http.MethodPost, "/", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, r.status)
	require.Contains(t, r.body, "MCP is at /mcp")
	require.Equal(t, http.StatusOK, beside.get("/").status, "the page")
	beside.stop()
}

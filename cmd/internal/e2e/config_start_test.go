package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// The same setting means the same ledger in every working directory: a repeat gets the receipt.
func TestLedgersDoNotDependOnTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	absolute := filepath.Join(t.TempDir(), "ledger.db")
	for name, c := range map[string]struct {
		env, flags []string
		ledger     string // below the home directory, unless it is absolute
	}{
		"the default":         {nil, nil, ".local/state/twilio-proxy-mcp/ledger.db"},
		"a relative XDG":      {[]string{"XDG_STATE_HOME=state"}, nil, ".local/state/twilio-proxy-mcp/ledger.db"},
		"a home directory":    {nil, []string{"--ledger", "~/one.db"}, "one.db"},
		"the same by name":    {[]string{"TWILIO_PROXY_MCP_LEDGER=~/two.db"}, nil, "two.db"},
		"a byte order mark":   {[]string{"TWILIO_PROXY_MCP_LEDGER=\ufeff" + absolute}, nil, absolute},
		"the same in a file":  {nil, []string{"--ledger-file", file(t, "\ufeff~/three.db\r\n")}, "three.db"},
		"a file in a home":    {[]string{"TWILIO_PROXY_MCP_LEDGER_FILE=~/ledger"}, nil, "four.db"},
		"an absolute XDG":     {[]string{"XDG_STATE_HOME=" + filepath.Dir(absolute)}, nil, filepath.Dir(absolute) + "/twilio-proxy-mcp/ledger.db"},
		"an empty one":        {[]string{"TWILIO_PROXY_MCP_LEDGER="}, nil, ".local/state/twilio-proxy-mcp/ledger.db"},
		"another's home, too": {[]string{"TWILIO_PROXY_MCP_LEDGER=~/five/ledger.db"}, nil, "five/ledger.db"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, env := startFake(t)
			env = append(env, c.env...)
			u := newUser(t)
			u.state = ""
			require.NoError(t, os.WriteFile(filepath.Join(u.home, "ledger"), []byte("~/four.db"), 0o600))
			want := c.ledger
			if !filepath.IsAbs(want) {
				want = filepath.Join(u.home, want)
			}
			for range 2 {
				u.cwd = t.TempDir()
				_, errOut, code := u.run(t, env, append(slices.Clone(sending), c.flags...)...)
				require.Zero(t, code, errOut)
				entries, err := os.ReadDir(u.cwd)
				require.NoError(t, err)
				require.Empty(t, entries)
			}
			require.Equal(t, 1, f.Accepted())
			require.FileExists(t, want)
			out, errOut, code := u.run(t, env, append([]string{"history", "--json"}, c.flags...)...)
			require.Zero(t, code)
			require.Equal(t, 1, strings.Count(out, "\n"), out)
			require.Contains(t, errOut, "Ledger: "+want+"\n")
		})
	}
	for _, off := range []string{"off", "OFF", "Off", "\ufeffoff"} {
		u := newUser(t)
		_, errOut, code := u.run(t, []string{"TWILIO_PROXY_MCP_LEDGER=" + off}, sending...)
		require.Zero(t, code, errOut)
		require.Empty(t, u.files(t), off)
		_, errOut, code = u.run(t, []string{"TWILIO_PROXY_MCP_LEDGER=" + off}, "history")
		require.Equal(t, 2, code)
		require.Contains(t, errOut, "keeps no history")
	}
}

// Values that look odd and are right.
func TestConfigurationsThatAreUnderstood(t *testing.T) {
	u := newUser(t)
	require.NoError(t, os.WriteFile(filepath.Join(u.home, "token"), []byte("\ufeff"+secretValue+"\r\n"), 0o600))
	f, env := startFake(t)
	base := strings.TrimPrefix(env[0], "TWILIO_PROXY_BASE_URL=")
	for _, variables := range [][]string{
		{env[0], env[1], "TWILIO_AUTH_TOKEN_FILE=~/token"},
		{env[0], env[1], "TWILIO_AUTH_TOKEN_FILE=\ufeff" + u.home + "/token"},
		{"TWILIO_PROXY_BASE_URL=\ufeff" + base + "/", "TWILIO_ACCOUNT_SID=\ufeff" + fake.AccountSid, "TWILIO_AUTH_TOKEN=\ufeffpa$w0rd%"},
		{env[0], "TWILIO_API_KEY=SK" + strings.Repeat("Ab", 16), "TWILIO_API_SECRET=x{y}"},
		{env[0], env[1], env[2], "TWILIO_PROXY_MCP_BACKEND=\ufefflive", "TWILIO_PROXY_MCP_TIMEOUT=\ufeff30s"},
	} {
		before := f.Accepted()
		_, errOut, code := u.run(t, append(variables, "TWILIO_PROXY_MCP_LEDGER=off"), sending...)
		require.Zero(t, code, errOut)
		require.Equal(t, before+1, f.Accepted(), "%q", variables)
	}
	file := file(t, "\ufeff"+firstToken+"\r\n")
	s := startHTTP(t, environment(t), "--token-file", file, "--allowed-hosts", "mcp.example, b.example")
	require.Equal(t, http.StatusUnauthorized, s.as("Host", "b.example").post("{}").status)
	require.Equal(t, "sent", s.as("Host", "b.example").bearer(firstToken).send("hello").outcome().Code)
	require.Equal(t, http.StatusForbidden, s.bearer(firstToken).post("{}").status)
	s.stop()
	require.NotContains(t, s.stderr.String(), firstToken)
}

// The line at the start says what there is.
func TestTheStartIsAnnounced(t *testing.T) {
	_, env := startFake(t)
	ledger := filepath.Join(t.TempDir(), "ledger.db")
	live := func(more ...string) []string { return environment(t, append(slices.Clone(env), more...)...) }
	tls := []string{"--oauth-issuer", "https://auth.example", "--oauth-audience", "https://mcp.example"}
	for _, c := range []struct {
		env, flags []string
		says       []string
	}{
		{live("TWILIO_PROXY_MCP_LEDGER=" + ledger), nil, []string{"ledger=" + ledger, "backend=live", `guard="loopback only"`}},
		{live("TWILIO_PROXY_MCP_LEDGER=off", "TWILIO_PROXY_MCP_TOKEN="+firstToken), nil, []string{"ledger=off", "backend=live", "guard=token "}},
		{live("TWILIO_PROXY_MCP_LEDGER=postgres://me:hunter2@127.0.0.1:1/db"), tls, []string{"ledger=postgres://127.0.0.1:1/db", "guard=OAuth "}},
		{environment(t, "TWILIO_PROXY_MCP_TOKEN="+firstToken), tls, []string{"ledger=memory", "backend=fake", `guard="token and OAuth"`}},
	} {
		s := startHTTP(t, c.env, c.flags...)
		s.stop()
		log := s.stderr.String()
		for _, says := range append(c.says, "mcp="+s.url+"/mcp ", "sse="+s.url+"/sse ") {
			require.Contains(t, log, says)
		}
		require.Equal(t, strings.Contains(log, "backend=fake"), strings.Contains(log, "page="+s.url+"/"), log)
		require.NotContains(t, log, "hunter2")
		require.NotContains(t, log, firstToken)
	}

	p := start(t, live("TWILIO_PROXY_MCP_LEDGER="+ledger))
	p.stop()
	require.Contains(t, p.stderr.String(), "ledger="+ledger+" backend=live")
	require.Contains(t, p.stderr.String(), "people will be texted, unless a fake answers there", "the address is not Twilio's")
	require.NotContains(t, p.stderr.String(), "page=")

	p = start(t, environment(t))
	p.send("hello")
	page := regexp.MustCompile(`page=(\S+)`).FindStringSubmatch(p.stderr.String())
	require.NotNil(t, page, p.stderr.String())
	response, err := http.Get(page[1])
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, response.Header.Get("Content-Type"), "text/html")
	p.stop()
}

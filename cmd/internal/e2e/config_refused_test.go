package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"twilio-proxy-mcp/twilio/fake"
)

func TestConfigurationsThatAreRefused(t *testing.T) {
	const ac, sk = fake.AccountSid, "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	pair := func(sid, token string) []string {
		return []string{"TWILIO_ACCOUNT_SID=" + sid, "TWILIO_AUTH_TOKEN=" + token}
	}
	key := func(sid, secret string) []string {
		return []string{"TWILIO_API_KEY=" + sid, "TWILIO_API_SECRET=" + secret}
	}
	good := pair(ac, secretValue)
	onHTTP := func(flags ...string) []string { return append([]string{"http", "--addr", "127.0.0.1:0"}, flags...) }
	for _, c := range []struct {
		env, arguments []string
		names, says    string
		secrets        []string
	}{
		// The two halves, and their forms.
		{pair(secretValue, ac), sending, "TWILIO_AUTH_TOKEN", "swapped", []string{secretValue}},
		{key(secretValue, sk), sending, "TWILIO_API_SECRET", "swapped", []string{secretValue}},
		{pair(ac, sk), sending, "TWILIO_AUTH_TOKEN", "swapped", nil},
		{pair(ac, fake.ServiceSid), sending, "TWILIO_AUTH_TOKEN", "is a SID", nil},
		{key(sk, "OQ"+ac[2:]), sending, "TWILIO_API_SECRET", "is a SID", nil},
		{key(sk, ac), sending, "TWILIO_API_SECRET", "swapped", nil},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac, "TWILIO_AUTH_TOKEN_FILE=" + file(t, ac)}, sending, "TWILIO_AUTH_TOKEN_FILE", "swapped", nil},
		{pair(secretValue, "x"), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{pair(sk, secretValue), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{pair(sk, secretValue), sending, "TWILIO_ACCOUNT_SID", "belongs in TWILIO_API_KEY", []string{secretValue}},
		{key(ac, secretValue), sending, "TWILIO_API_KEY", "belongs in TWILIO_ACCOUNT_SID", []string{secretValue}},
		{pair(ac+"\u200b", secretValue), sending, "TWILIO_ACCOUNT_SID", "U+200B", []string{secretValue}},
		{pair(ac+" ", secretValue), sending, "TWILIO_ACCOUNT_SID", "U+0020", []string{secretValue}},
		{pair(ac, secretValue+"\u200b"), sending, "TWILIO_AUTH_TOKEN", "U+200B", []string{secretValue}},
		{key(sk, "two words"), sending, "TWILIO_API_SECRET", "U+0020", []string{"two words"}},
		{pair(ac[:33], secretValue), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{pair(strings.ToLower(ac), secretValue), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{pair(ac[:33]+"g", secretValue), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{key(ac, secretValue), sending, "TWILIO_API_KEY", "SK and 32", []string{secretValue}},
		{key("my-key", secretValue), sending, "TWILIO_API_KEY", "SK and 32", []string{secretValue}},
		{append(key(sk, secretValue), "TWILIO_ACCOUNT_SID=me"), sending, "TWILIO_ACCOUNT_SID", "AC and 32", []string{secretValue}},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac}, sending, "TWILIO_AUTH_TOKEN", "incomplete", nil},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac, "TWILIO_AUTH_TOKEN_FILE=" + secretValue}, sending, "TWILIO_AUTH_TOKEN_FILE", "cannot be read", []string{secretValue}},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac, "TWILIO_AUTH_TOKEN_FILE=~you/token"}, sending, "TWILIO_AUTH_TOKEN_FILE", "~user/", nil},
		{append(good, "TWILIO_AUTH_TOKEN_FILE=x"), sending, "TWILIO_AUTH_TOKEN_FILE", "both set", []string{secretValue}},
		{pair(ac, "<your-token>"), sending, "TWILIO_AUTH_TOKEN", "<…>", []string{"<your"}},
		{pair(ac, "your_auth_token"), sending, "TWILIO_AUTH_TOKEN", "placeholder", []string{"your_auth"}},
		{pair("<account SID>", secretValue), sending, "TWILIO_ACCOUNT_SID", "<…>", []string{secretValue}},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac, "TWILIO_AUTH_TOKEN_FILE=" + file(t, "Your auth token\n")}, sending, "TWILIO_AUTH_TOKEN_FILE", "placeholder", nil},
		{[]string{"TWILIO_ACCOUNT_SID=" + ac, "TWILIO_AUTH_TOKEN_FILE=/run/<secret>/token"}, sending, "TWILIO_AUTH_TOKEN_FILE", "<…>", nil},
		// Addresses of the API.
		{append(good, "TWILIO_PROXY_BASE_URL=proxy.twilio.com"), sending, "TWILIO_PROXY_BASE_URL", "https://", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=http://proxy.example"), sending, "TWILIO_PROXY_BASE_URL", "https://", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=https://u:hunter2@proxy.example"), sending, "TWILIO_PROXY_BASE_URL", "credentials", []string{secretValue, "hunter2"}},
		{append(good, "TWILIO_PROXY_BASE_URL=https://proxy.example:99999"), sending, "TWILIO_PROXY_BASE_URL", "no port", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=https://proxy.twilio.com/v1"), sending, "TWILIO_PROXY_BASE_URL", "/v1", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=http://127.0.0.1:4010/prefix/v1/"), sending, "TWILIO_PROXY_BASE_URL", "/v1", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=localhost:4010"), sending, "TWILIO_PROXY_BASE_URL", "http:// for a loopback address", []string{secretValue}},
		{append(good, "TWILIO_PROXY_BASE_URL=https://%zz"), sending, "TWILIO_PROXY_BASE_URL", "no URL", []string{secretValue}},
		{append(good, "TWILIO_REGION=ie1"), sending, "TWILIO_REGION", "TWILIO_EDGE", []string{secretValue}},
		{[]string{"TWILIO_PROXY_BASE_URL=http://127.0.0.1:1"}, sending, "TWILIO_PROXY_BASE_URL", "no credentials", nil},
		// Ledgers.
		{nil, append(slices.Clone(sending), "--ledger", "ledger.db"), "--ledger", "absolute", nil},
		{nil, append(slices.Clone(sending), "--ledger", ":memory:"), "--ledger", "absolute", nil},
		{nil, append(slices.Clone(sending), "--ledger", "file:/abs/l.db"), "--ledger", "absolute", nil},
		{nil, append(slices.Clone(sending), "--ledger", "$HOME/l.db"), "--ledger", "$NAME", nil},
		{nil, append(slices.Clone(sending), "--ledger", "/srv/$(POD_NAME)/l.db"), "--ledger", "$(…)", nil},
		{nil, append(slices.Clone(sending), "--ledger", "%APPDATA%/l.db"), "--ledger", "%NAME%", nil},
		{nil, append(slices.Clone(sending), "--ledger", "~you/l.db"), "--ledger", "~user/", nil},
		{nil, append(slices.Clone(sending), "--ledger", "~/"), "--ledger", "directory", nil},
		{nil, append(slices.Clone(sending), "--ledger-file", file(t, "ledger.db")), "--ledger-file", "absolute", nil},
		{nil, append(slices.Clone(sending), "--ledger-file", file(t, "\n")), "--ledger-file", "empty", nil},
		{nil, append(slices.Clone(sending), "--ledger-file", file(t, "off\noff\n")), "--ledger-file", "control character", nil},
		{nil, append(slices.Clone(sending), "--ledger-file", "postgres://u:hunter2@127.0.0.1:1/db"), "--ledger-file", "cannot be read", []string{"hunter2"}},
		{[]string{"TWILIO_PROXY_MCP_LEDGER_FILE=" + file(t, "'off'")}, sending, "TWILIO_PROXY_MCP_LEDGER_FILE", "quotes", nil},
		{[]string{"TWILIO_PROXY_MCP_LEDGER=\"postgres://u:hunter2@127.0.0.1:1/db\""}, sending, "TWILIO_PROXY_MCP_LEDGER", "quotes", []string{"hunter2"}},
		{[]string{"TWILIO_PROXY_MCP_LEDGER=postgres://u:hunter2@127.0.0.1:1/%zz"}, sending, "TWILIO_PROXY_MCP_LEDGER", "no valid", []string{"hunter2"}},
		{[]string{"TWILIO_PROXY_MCP_LEDGER=postgres://u:1/hunter2@127.0.0.1:1/db"}, sending, "TWILIO_PROXY_MCP_LEDGER", "no valid", []string{"hunter2"}},
		{nil, append(slices.Clone(sending), "--ledger", "postgres://u:hunter2@127.0.0.1:1/db"), "--ledger", "command line", []string{"hunter2"}},
		{append(good, "XDG_STATE_HOME=$HOME/state"), sending, "XDG_STATE_HOME", "$NAME", []string{secretValue}},
		{append(good, "XDG_STATE_HOME=", "HOME=home"), sending, "HOME", "absolute", []string{secretValue}},
		{append(good, "XDG_STATE_HOME=", "HOME=/home/${USER}"), sending, "HOME", "${…}", []string{secretValue}},
		{[]string{"HOME="}, append(slices.Clone(sending), "--ledger", "~/l.db"), "--ledger", "HOME", nil},
		{nil, append(slices.Clone(sending), "--ledger", os.TempDir()), "--ledger: " + filepath.Clean(os.TempDir()), "directory", nil},
		{nil, []string{"stdio", "--ledger", os.TempDir()}, "--ledger", "directory", nil},
		{nil, onHTTP("--ledger", os.TempDir()), "--ledger", "directory", nil},
		{nil, onHTTP("--ledger", os.DevNull), "--ledger", "no regular file", nil},
		{nil, onHTTP("--ledger", filepath.Join(file(t, ""), "ledger.db")), "--ledger", "a file where a directory must be", nil},
		{nil, onHTTP("--ledger", filepath.Join(file(t, ""), "deep", "er", "ledger.db")), "--ledger", "a file where a directory must be", nil},
		{nil, onHTTP("--ledger", filepath.Join(os.TempDir(), strings.Repeat("x", 300))), "--ledger", "too long", nil},
		{[]string{"TWILIO_PROXY_MCP_LEDGER=" + os.TempDir()}, []string{"stdio"}, "--ledger is set by TWILIO_PROXY_MCP_LEDGER", "directory", nil},
		{nil, []string{"stdio", "--ledger-file", file(t, os.TempDir())}, "--ledger-file", "directory", nil},
		{append(good, "XDG_STATE_HOME="+file(t, "")), []string{"stdio"}, "--ledger", "a file where a directory must be", []string{secretValue}},
		{good, append(slices.Clone(sending), "--backend", "Live"), "--backend", "must be one of", []string{secretValue}},
		// What is offered.
		{nil, append(slices.Clone(sending), "--tools", "send,docs"), "--tools", "the sets are send, find, read", nil},
		{[]string{"TWILIO_PROXY_MCP_TOOLS=" + secretValue}, []string{"stdio"}, "TWILIO_PROXY_MCP_TOOLS", "the sets are send, find, read", []string{secretValue}},
		{nil, onHTTP("--tools", "send", "--read-only"), "--read-only", "leave no tool", nil},
		{[]string{"TWILIO_PROXY_MCP_SERVICE=" + fake.SessionSid}, []string{"stdio"}, "TWILIO_PROXY_MCP_SERVICE", "must begin with", []string{fake.SessionSid}},
		{nil, onHTTP("--service", "${SERVICE}"), "--service", "${…}", nil},
		// Who may call.
		{[]string{"TWILIO_PROXY_MCP_TOKEN=${TWILIO_PROXY_MCP_TOKEN}"}, []string{"http", "--addr", "0.0.0.0:0", "--allowed-hosts", "mcp.example"}, "TWILIO_PROXY_MCP_TOKEN", "${…}", nil},
		{[]string{"TWILIO_PROXY_MCP_TOKEN=$(TWILIO_PROXY_MCP_TOKEN)"}, []string{"http", "--addr", "0.0.0.0:0", "--allowed-hosts", "mcp.example"}, "TWILIO_PROXY_MCP_TOKEN", "$(…)", nil},
		{[]string{"TWILIO_PROXY_MCP_TOKEN=" + firstToken + " ${SECOND_TOKEN_OF_TWO}"}, onHTTP(), "TWILIO_PROXY_MCP_TOKEN", "${…}", []string{firstToken}},
		{[]string{"TWILIO_PROXY_MCP_TOKEN=<a-token-of-your-own>"}, onHTTP(), "TWILIO_PROXY_MCP_TOKEN", "<…>", nil},
		{[]string{"TWILIO_PROXY_MCP_TOKEN=your-token-goes-here"}, onHTTP(), "TWILIO_PROXY_MCP_TOKEN", "placeholder", nil},
		{nil, onHTTP("--token-file", file(t, firstToken+"\nYOUR_SECOND_TOKEN\n")), "--token-file", "placeholder", []string{firstToken}},
		{nil, onHTTP("--allowed-hosts", "<your-host>"), "--allowed-hosts", "<…>", nil},
		{nil, append(slices.Clone(sending), "--idempotency-key", ""), "--idempotency-key", "is empty", nil},
		{[]string{"TWILIO_PROXY_MCP_MAXSENDS=3"}, sending, "TWILIO_PROXY_MCP_MAX_SENDS", "is no setting", nil},
		{[]string{"TWILIO_PROXY_MCP_TOKENS=" + firstToken}, onHTTP(), "TWILIO_PROXY_MCP_TOKEN", "is no setting", []string{firstToken}},
		{nil, onHTTP("--token-file", firstToken), "--token-file", "cannot be read", []string{firstToken}},
		{nil, onHTTP("--token-file", file(t, "")), "--token-file", "no token", nil},
		{nil, onHTTP("--token-file", file(t, "secret")), "--token-file", "at least 16", []string{"secret"}},
		{nil, onHTTP("--allowed-hosts", "mcp.example,${HOST}"), "--allowed-hosts", "${…}", nil},
		{nil, onHTTP("--allowed-hosts", `mcp.example,"b.example"`), "--allowed-hosts", "quotes", nil},
		{nil, onHTTP("--token-file", file(t, "Bearer "+firstToken)), "--token-file", "leave out the word Bearer", []string{firstToken}},
		{[]string{"TWILIO_PROXY_MCP_TOKEN=bearer " + firstToken}, onHTTP(), "TWILIO_PROXY_MCP_TOKEN", "leave out the word Bearer", []string{firstToken}},
		{nil, onHTTP("--allowed-hosts", "http://mcp.example:80"), "--allowed-hosts", "matches no request", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "state.json", "--allowed-hosts", "mcp.example/"}, "--allowed-hosts", "matches no request", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "state.json", "--allowed-origins", "app.example"}, "--allowed-origins", "matches no web page", nil},
		{nil, onHTTP("--oauth-scopes", "send"), "--oauth-scopes", "no access token is checked", nil},
		{nil, onHTTP("--oauth-resource", "https://mcp.example"), "--oauth-resource", "no access token is checked", nil},
		{nil, onHTTP("--allowed-hosts", "mcp.example,,b.example"), "--allowed-hosts", "empty", nil},
		{nil, onHTTP("--allowed-origins", "app.example"), "--allowed-origins", "matches no web page", nil},
		{nil, onHTTP("--oauth-issuer", "auth.example", "--oauth-audience", "https://mcp.example"), "--oauth-issuer", "https", nil},
		{nil, onHTTP("--oauth-issuer", "https://auth.example"), "--oauth-audience", "belong together", nil},
		{nil, onHTTP("--tls-cert", "~/cert.pem"), "--tls-key", "belong together", nil},
		{nil, []string{"http", "--addr", "127.0.0.1:$PORT"}, "--addr", "PORT", nil},
		{nil, []string{"fake", "--addr", "nowhere"}, "--addr", "", nil},
		// The fake's files.
		{nil, []string{"fake", "--addr", "0.0.0.0:0", "--state", "state.json"}, "--credential-file", "other machines", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "state.json", "--seed", "missing.json"}, "--seed", "missing.json", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "~you/state.json"}, "--state", "~user/", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "."}, "--state", "directory", nil},
		{nil, []string{"fake", "--addr", "127.0.0.1:0", "--state", "state.json", "--credential-file", file(t, "me")}, "--credential-file", "USERNAME:PASSWORD", nil},
	} {
		refused(t, c.env, c.arguments, c.names, c.says, c.secrets...)
	}
}

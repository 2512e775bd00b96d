package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/twilio/fake"
)

// ran is what one run of the command printed. Nothing of the ledger is there before it.
func ran(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, program{strings.NewReader(""), &stdout, logs.New(&stderr), toolSets})
	return code, stdout.String(), stderr.String()
}

func offeredBy(t *testing.T, flags ...string) (names []string) {
	t.Helper()
	for _, tool := range publishedTools(t, flags...) {
		names = append(names, tool.Name)
	}
	return names
}

func TestSetsOfTools(t *testing.T) {
	send, find, read := []string{toolSend}, []string{toolFind, toolTell, toolList}, []string{toolQuote}
	all := func(sets ...[]string) (names []string) {
		for _, set := range sets {
			names = append(names, set...)
		}
		return names
	}
	for flags, want := range map[string][]string{
		"":                                   all(send, find),
		"--tools=send":                       send,
		"--tools=find":                       find,
		"--tools=read":                       read,
		"--tools=send,find,read":             all(send, find, read),
		"--tools=read,find,send":             all(send, find, read),
		"--tools=send --tools=read":          all(send, read),
		"--read-only":                        find,
		"--tools=find --read-only":           find,
		"--tools=send,read --read-only":      read,
		"--tools=send,find,read --read-only": all(find, read),
		"--service=KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --show-identifiers": all(send, find),
	} {
		require.Equal(t, want, offeredBy(t, strings.Fields(flags)...), flags)
	}
	t.Setenv("TWILIO_PROXY_MCP_TOOLS", " find , read ")
	require.Equal(t, all(find, read), offeredBy(t))
	require.Equal(t, send, offeredBy(t, "--tools=send"), "a flag counts more")
	t.Setenv("TWILIO_PROXY_MCP_READ_ONLY", "true")
	t.Setenv("TWILIO_PROXY_MCP_TOOLS", "")
	require.Equal(t, find, offeredBy(t), "an empty variable counts as unset")
	_, text, _ := ran(t, "tools")
	require.NotContains(t, text, toolSend+"\n")
	require.Contains(t, text, toolFind+"\n")
}

func TestSetsThatAreRefused(t *testing.T) {
	secret := strings.Repeat("0a1b", 8)
	for _, tc := range []struct{ flags, says string }{
		{"--tools=docs", `--tools: there is no set "docs"; the sets are send, find, read`},
		{"--tools=send,Find", `there is no set "Find"; the sets are send, find, read`},
		{"--tools=send_message_interaction", "--tools: one of the names is no set's; the sets are send, find, read"},
		{"--tools=send," + secret, "one of the names is no set's; the sets are"},
		{"--tools=SK" + secret, "one of the names is no set's; the sets are"},
		{"--tools=", "--tools is empty: name one or more; the sets are send, find, read"},
		{"--tools=send,,find", "an element of the list is empty"},
		{"--tools=,", "an element of the list is empty"},
		{"--tools=send,find,send", "--tools names send twice"},
		{"--tools=find --tools=find", "--tools names find twice"},
		{"--tools=send --read-only", "--tools and --read-only leave no tool"},
		{"--service=" + fake.SessionSid, `--service: begins with "KC", must begin with "KS": give the SID of a Service (KS and 32 hexadecimal digits), or its unique name`},
		{"--service=" + fake.AccountSid, `begins with "AC", must begin with "KS"`},
		{"--service=" + strings.ToLower(fake.ServiceSid), "--service: "},
		{"--service=" + fake.ServiceSid[:33], "--service: has 33 characters, must have exactly 34"},
		{"--service=" + fake.ServiceSid + "a", "has 35 characters, must have exactly 34"},
		{"--service=" + fake.ServiceSid + "\u200b", "U+200B"},
		{"--service=" + strings.Repeat("é", 192), "--service: the unique name of a Service has at most 191 characters"},
		{"--service=\u00a0", "--service: the value is only white space"},
		{"--service=<your-service>", "--service: the value has a placeholder"},
	} {
		code, out, errs := ran(t, append([]string{"tools"}, strings.Split(tc.flags, " ")...)...)
		require.Equal(t, exitUsage, code, tc.flags)
		require.Empty(t, out)
		require.Contains(t, errs, tc.says, tc.flags)
		require.NotContains(t, errs, secret)
		require.NotContains(t, errs, fake.SessionSid)
	}
	for _, name := range []string{"My Service", "KS", "ksa-shop", "KSaaaa", "AC/DC", "d41d8cd98f00b204e9800998ecf8427e", "adadadadadadadadadadadadadadadadad", "サービス", strings.Repeat("é", 191)} {
		code, _, errs := ran(t, "tools", "--service", name)
		require.Zero(t, code, "%s: %s", name, errs)
	}
	t.Setenv("TWILIO_PROXY_MCP_TOOLS", "nothing")
	code, _, errs := ran(t, "tools")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `there is no set "nothing"`)
	require.Contains(t, errs, "(--tools is set by TWILIO_PROXY_MCP_TOOLS)")
	t.Setenv("TWILIO_PROXY_MCP_TOOLS", "send")
	t.Setenv("TWILIO_PROXY_MCP_READ_ONLY", "true")
	for _, serving := range []string{"stdio", "http", "tools"} {
		code, _, errs = ran(t, serving)
		require.Equal(t, exitUsage, code, serving)
		require.Contains(t, errs, "leave no tool")
		require.Contains(t, errs, "--tools is set by TWILIO_PROXY_MCP_TOOLS")
		require.Contains(t, errs, "--read-only is set by TWILIO_PROXY_MCP_READ_ONLY")
	}
}

// Without a tool that sends, no ledger is needed, looked at or made. What is set about it means nothing, if it can be read.
func TestNoLedgerWithoutTheSetThatSends(t *testing.T) {
	state, here := t.TempDir(), filepath.Join(t.TempDir(), "here")
	require.NoError(t, os.WriteFile(here, []byte("postgres://user:hunter2@127.0.0.1:1/db\n"), 0o600))
	t.Setenv("TWILIO_ACCOUNT_SID", fake.AccountSid)
	t.Setenv("TWILIO_AUTH_TOKEN", "some-token")
	for _, flags := range [][]string{
		{"--read-only"},
		{"--tools=find,read"},
		{"--read-only", "--ledger", os.TempDir()}, // no file can ever be there
		{"--read-only", "--ledger-file", here},
		{"--read-only", "--ledger=off"},
	} {
		t.Setenv("XDG_STATE_HOME", state)
		code, _, errs := ran(t, append([]string{"stdio", "--backend=live"}, flags...)...)
		require.Zero(t, code, errs)
		require.Contains(t, errs, "running against the live API: no tool that sends is offered, so nobody will be texted")
		require.Contains(t, errs, `ledger="not needed"`)
		require.NotContains(t, errs, "the ledger is off")
		entries, err := os.ReadDir(state)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	code, _, errs := ran(t, "stdio", "--backend=live", "--read-only")
	require.Zero(t, code, "a machine without a directory for the ledger: %s", errs)

	for _, flag := range []string{"--max-sends=5", "--max-sends-per-participant=5"} {
		code, _, errs = ran(t, "stdio", "--backend=live", "--read-only", flag)
		require.Zero(t, code, errs)
		require.Contains(t, errs, "--max-sends and --max-sends-per-participant mean nothing: no tool that sends is offered")
	}
}

// The flags reach the tools.
func TestServiceAndShowIdentifiers(t *testing.T) {
	call := func(flags ...string) (int, string, string) {
		return ran(t, append([]string{"call", "--backend=fake", "find_participant", "Session=order 1234", "Participant=alice"}, flags...)...)
	}
	_, masked, _ := call()
	require.Contains(t, masked, "\"…0001\"")
	code, shown, _ := call("--show-identifiers", "--service=my service")
	require.Zero(t, code)
	require.Regexp(t, `"identifier": "\+1555\d+0001"`, shown)
	code, _, errs := call("--service=another")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "No Service has the name that --service gives.")
}

// A setting that cannot be read is refused, whether it means something or not.
func TestALedgerThatCannotBeReadWithoutTheSetThatSends(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tc := range []struct{ flags, says string }{
		{"--ledger=relative", "--ledger: must be the absolute path"},
		{"--ledger=postgres://user:hunter2@127.0.0.1/db", "--ledger: a URL with a password does not belong in a command line"},
		{"--ledger-file=" + missing, "--ledger-file: it names a file that holds the ledger's path or URL; "},
		{"--ledger=off --ledger-file=" + missing, "--ledger and --ledger-file are both set"},
	} {
		for _, command := range []string{"stdio", "tools", "call list_sessions"} {
			code, out, errs := ran(t, strings.Fields(command+" --backend=fake --read-only "+tc.flags)...)
			require.Equal(t, exitUsage, code, "%s %s", command, tc.flags)
			require.Empty(t, out)
			require.Contains(t, errs, tc.says)
			require.NotContains(t, errs, "hunter2")
		}
	}
}

func TestTheStartNamesTheSets(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for flags, says := range map[string]string{
		"":                       "tools=send,find ledger=memory backend=fake",
		"--tools=read,send,find": "tools=send,find,read ledger=memory",
		"--read-only":            `nobody will be texted" tools=find ledger="not needed"`,
	} {
		_, _, errs := ran(t, append([]string{"stdio", "--backend=fake"}, strings.Fields(flags)...)...)
		require.Contains(t, errs, says)
		require.Contains(t, errs, "running on the built-in fake of Twilio Proxy: ")
	}
}

// What a set offers has nothing to do with the past.
func TestHistoryDoesNotAskForASet(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for _, flags := range []string{"--tools=find", "--read-only", "--tools=send --read-only", "--read-only --max-sends=3"} {
		code, _, errs := ran(t, append([]string{"history"}, strings.Fields(flags)...)...)
		require.Zero(t, code, "%s: %s", flags, errs)
	}
}

// A call of a tool that is off gets the answer of a tool that does not exist, on every transport.
func TestAToolThatIsOffIsUnknown(t *testing.T) {
	onEachTransport(t, toolSets, func(t *testing.T, connect func() *served, _ bool) {
		for _, revision := range revisions {
			if revision == modern {
				continue // over HTTP it has a status of its own
			}
			s := connect()
			s.initialize(revision, `{}`)
			s.call(1, toolQuote, `{}`, revision, `{}`, "")
			answer := s.next()
			require.Nil(t, answer["result"])
			require.EqualValues(t, -32602, answer["error"].(map[string]any)["code"])
			require.Contains(t, answer["error"].(map[string]any)["message"], "not found")
		}
	})
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/tools/ledger"
)

func TestTheTableShowsAccountsAndUpstreamsOnlyWhenTheyDiffer(t *testing.T) {
	one := ledger.Entry{State: ledger.Sent, Account: "AC1", Host: "twilio.com"}
	for name, tc := range map[string]struct {
		other ledger.Entry
		named bool
	}{
		"one account":   {ledger.Entry{Account: "AC1", Host: "twilio.com"}, false},
		"two accounts":  {ledger.Entry{Account: "AC2", Host: "twilio.com"}, true},
		"two upstreams": {ledger.Entry{Account: "AC1", Host: "loopback:80"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, printTable(&out, []ledger.Entry{one, tc.other}))
			for _, words := range []string{"ACCOUNT", "UPSTREAM", tc.other.Account, tc.other.Host} {
				require.Equal(t, tc.named, strings.Contains(out.String(), words), out.String())
			}
		})
	}
}

// said runs a subcommand of history and returns what it prints and its status.
func said(t *testing.T, flags []string, arguments ...string) (out, errOut string, status int) {
	t.Helper()
	var stdout, stderr strings.Builder
	status = run(t.Context(), slices.Concat(flags, []string{"history"}, arguments), program{nil, &stdout, logs.New(&stderr), toolSets})
	return stdout.String(), stderr.String(), status
}

// Nobody must take a mistyped path for "nothing was sent".
func TestAnEmptyHistorySaysWhy(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", filepath.Join(t.TempDir(), "state"))
	standard := filepath.Join(os.Getenv("XDG_STATE_HOME"), "twilio-proxy-mcp", "ledger.db")
	empty := filepath.Join(t.TempDir(), "empty.db")
	l := &ledger.Ledger{Path: empty}
	require.NoError(t, l.Open(t.Context()))
	require.NoError(t, l.Close())
	inUse := filepath.Join(t.TempDir(), "used.db")
	_, _, status := said(t, []string{"--ledger", inUse})
	require.Equal(t, exitUsage, status)
	l = &ledger.Ledger{Path: inUse}
	_, err := l.Claim(t.Context(), ledger.Intent{Scope: ledger.Scope{Account: "AC", Host: "h"}, Service: "KS", Session: "KC", Participant: "KP", Content: []byte("x")})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for name, tc := range map[string]struct {
		flags, more []string
		says        string
	}{
		"no file":             {nil, nil, "No message was recorded yet: there is no ledger at " + standard + "."},
		"no file, a filter":   {nil, []string{"--state", "sent"}, "No message was recorded yet: there is no ledger at " + standard + "."},
		"empty":               {[]string{"--ledger", empty}, nil, "The ledger is empty: no message was recorded in " + empty + " yet."},
		"empty, a filter":     {[]string{"--ledger", empty}, []string{"--since", "1h"}, "The ledger is empty: no message was recorded in " + empty + " yet."},
		"no such state":       {[]string{"--ledger", inUse}, []string{"--state", "sent"}, "No entry fits: " + inUse + " has entries, but none like that."},
		"no such session":     {[]string{"--ledger", inUse}, []string{"--session", "KCb"}, "No entry fits: " + inUse + " has entries, but none like that."},
		"no such participant": {[]string{"--ledger", inUse}, []string{"--participant", "KPb"}, "No entry fits: " + inUse + " has entries, but none like that."},
		"nothing that is new": {[]string{"--ledger", inUse}, []string{"--since", "1ns"}, "No entry fits: " + inUse + " has entries, but none like that."},
	} {
		t.Run(name, func(t *testing.T) {
			for _, json := range [][]string{nil, {"--json"}} {
				out, errOut, status := said(t, tc.flags, append(json, tc.more...)...)
				require.Equal(t, exitOK, status, errOut)
				require.Empty(t, out)
				require.Contains(t, errOut, tc.says+"\n")
			}
		})
	}
	require.NoDirExists(t, filepath.Dir(filepath.Dir(standard)))
}

// Whichever way a path is given: where there is no ledger, that is an error, and nothing is made.
func TestAMistypedPathIsAnError(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	missing, notes, file := filepath.Join(dir, "no", "such", "ledger.db"), filepath.Join(dir, "notes.txt"), filepath.Join(dir, "names-it")
	require.NoError(t, os.WriteFile(notes, []byte("some notes\n"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(missing+"\n"), 0o600))
	for name, tc := range map[string]struct {
		flags           []string
		variable, value string
		status          int
		says            string
	}{
		"flag":               {[]string{"--ledger", missing}, "", "", exitUsage, "there is no ledger at " + missing},
		"variable":           {nil, "TWILIO_PROXY_MCP_LEDGER", missing, exitUsage, "there is no ledger at " + missing},
		"file":               {[]string{"--ledger-file", file}, "", "", exitUsage, "there is no ledger at " + missing},
		"variable of a file": {nil, "TWILIO_PROXY_MCP_LEDGER_FILE", file, exitUsage, "there is no ledger at " + missing},
		"a text":             {[]string{"--ledger", notes}, "", "", exitError, notes + ": "},
		"a folder":           {[]string{"--ledger", dir}, "", "", exitError, dir + ": this is not a ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.variable != "" {
				t.Setenv(tc.variable, tc.value)
			}
			commands := [][]string{nil, {"--json"}, {"resolve", "1-aaaaa", "sent"}}
			if tc.variable == "" { // with a variable, the number alone is refused before
				commands = append(commands, []string{"resolve", "1", "sent"})
			}
			for _, arguments := range commands {
				out, errOut, status := said(t, tc.flags, arguments...)
				require.Equal(t, tc.status, status, errOut)
				require.Empty(t, out)
				require.Contains(t, errOut, tc.says)
			}
			there, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, there, 2, "nothing was made")
		})
	}
}

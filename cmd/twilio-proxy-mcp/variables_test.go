package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
)

func TestVariablesThatAreNoSettingsAreRefused(t *testing.T) {
	var cli commandLine
	parser, err := kong.New(&cli, kong.DefaultEnvars(environmentPrefix), kong.Vars{"version": "1", "maxInFlight": "1"})
	require.NoError(t, err)
	for _, variable := range []string{
		"TWILIO_PROXY_MCP_LEDGER=x", "TWILIO_PROXY_MCP_TOKEN=x", "TWILIO_PROXY_MCP_ALLOWED_HOSTS=x",
		"TWILIO_PROXY_MCP_HISTORY_STATE=sent", "TWILIO_PROXY_MCP_STATE=/x", "TWILIO_PROXY_MCP_JSON=true", "TWILIO_PROXY_MCP_IDEMPOTENCY_KEY=k",
		// Twilio's and other people's.
		"TWILIO_PROXY_SERVICE_SID=KS", "TWILIO_AUTH_TOKEN=x", "MY_TWILIO_PROXY_MCP_X=1", "PATH=/bin", "=C:=C:\\", "TWILIO_PROXY_M=1",
		// Kubernetes makes these for services named twilio-proxy-mcp and twilio-proxy-mcp-canary.
		"TWILIO_PROXY_MCP_SERVICE_HOST=192.0.2.1", "TWILIO_PROXY_MCP_SERVICE_PORT=80", "TWILIO_PROXY_MCP_SERVICE_PORT_HTTP=80",
		"TWILIO_PROXY_MCP_PORT=tcp://192.0.2.1:80", "TWILIO_PROXY_MCP_PORT_80_TCP=tcp://192.0.2.1:80", "TWILIO_PROXY_MCP_PORT_80_TCP_PROTO=tcp",
		"TWILIO_PROXY_MCP_PORT_80_TCP_PORT=80", "TWILIO_PROXY_MCP_PORT_80_TCP_ADDR=192.0.2.1",
		"TWILIO_PROXY_MCP_CANARY_SERVICE_HOST=192.0.2.1", "TWILIO_PROXY_MCP_CANARY_PORT=tcp://192.0.2.1:80",
	} {
		require.NoError(t, checkVariables(parser.Model, []string{variable}), variable)
	}
	for variable, says := range map[string]string{
		"TWILIO_PROXY_MCP_CALL_JSON={}":        "TWILIO_PROXY_MCP_CALL_JSON is no setting of this program: unset it",
		"TWILIO_PROXY_MCP_LEDGERS=x":           "TWILIO_PROXY_MCP_LEDGERS is no setting of this program: correct it to TWILIO_PROXY_MCP_LEDGER, or unset it",
		"TWILIO_PROXY_MCP_LEDGERFILE=x":        "correct it to TWILIO_PROXY_MCP_LEDGER_FILE,",
		"twilio_proxy_mcp_ledger=x":            "correct it to TWILIO_PROXY_MCP_LEDGER,",
		"TWILIO_PROXY_MCP-MAX-SENDS=1":         "correct it to TWILIO_PROXY_MCP_MAX_SENDS,",
		"TWILIOPROXYMCP_MAX_SENDS=1":           "correct it to TWILIO_PROXY_MCP_MAX_SENDS,",
		"TWILIO_PROXY_MCP_MAX_SENDS_=1":        "correct it to TWILIO_PROXY_MCP_MAX_SENDS,",
		"TWILIO_PROXY_MCP_MAX_SEND=1":          "correct it to TWILIO_PROXY_MCP_MAX_SENDS,",
		"TWILIO_PROXY_MCP_ALLOWED_HOST=x":      "correct it to TWILIO_PROXY_MCP_ALLOWED_HOSTS,",
		"TWILIO_PROXY_MCP_TOKENS=x":            "correct it to TWILIO_PROXY_MCP_TOKEN,",
		"TWILIO_PROXY_MCP_OAUTH_SCOPE=x":       "correct it to TWILIO_PROXY_MCP_OAUTH_SCOPES,",
		"TWILIO_PROXY_MCP_PORT=8080":           "is no setting",
		"TWILIO_PROXY_MCP_VERSION=1":           "unset it",
		"TWILIO_PROXY_MCP=x":                   "unset it",
		"TWILIO_PROXY_MCP_HELP=1":              "unset it",
		"TWILIO_PROXY_MCP_WHATEVER_ELSE_IS=1":  "unset it; --help shows",
		"TWILIO_PROXY_MCP_TWILIO_AUTH_TOKEN=x": "unset it",
	} {
		err := checkVariables(parser.Model, []string{"HOME=/", variable})
		require.ErrorContains(t, err, says, variable)
		require.ErrorAs(t, err, new(usageError))
	}
}

func TestTheReadmeNamesTheBounds(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	words := strings.Join(strings.Fields(string(readme)), " ")
	for _, says := range []string{
		fmt.Sprintf("| calls in flight | %d | `--max-in-flight` |", maxInFlight),
		fmt.Sprintf("%d calls run at once", maxOverStdio),
		fmt.Sprintf("keep memory near %d MiB", softLimit>>20),
		fmt.Sprintf("up to %d KiB of lines wait", logs.MaxWaiting>>10),
		fmt.Sprintf("The default sets may cost %d,%03d tokens", maxTokens/1000, maxTokens%1000),
		fmt.Sprintf("and %d,%03d where the host", maxTokensWithOutput/1000, maxTokensWithOutput%1000),
	} {
		require.Contains(t, words, says)
	}
}

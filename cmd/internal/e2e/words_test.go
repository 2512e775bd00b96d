package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// No answer to a call has a decoder's own words or the name of a Go type, whatever the arguments are. Package serve tests
// the other methods.
func TestNoAnswerToACallHasADecodersWords(t *testing.T) {
	var in strings.Builder
	for _, odd := range []string{`5`, `1e400`, `"x"`, `true`, `null`, `[]`, `[1]`, `{}`, `{"a":1}`, `"\ud800"`, `{"data":"\ud800"}`} {
		for _, params := range []string{`{"name":"send_message_interaction","arguments":%s}`, `{"name":"send_message_interaction","arguments":{"ServiceSid":%s}}`,
			`{"name":"send_message_interaction","arguments":{"MediaUrl":%s,"Body":%[1]s}}`, `{"name":"send_message_interaction","arguments":{"MediaUrl":[%s]}}`,
			`{"name":"send_message_interaction","arguments":{%q:1}}`, `{"name":"send_message_interaction","inputResponses":%s,"requestState":"x"}`,
			`{"name":"send_message_interaction","arguments":{},"_meta":{"twilio-proxy-mcp/idempotency-key":%s,"progressToken":%[1]s}}`} {
			fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+"}\n", odd)
		}
	}
	out, errOut, code := run(t, environment(t), in.String(), "stdio", "--backend", "fake")
	require.Zero(t, code, errOut)
	require.Equal(t, strings.Count(in.String(), "\n"), strings.Count(out, "\n"))
	for _, line := range strings.Split(out, "\n") {
		for _, word := range []string{"json:", "unmarshal", "unparsable", "invalid character", "base64", "Go struct", "Go value", "mcp.", "map[", "float64", "jsontext"} {
			require.NotContains(t, strings.ReplaceAll(line, "twilio-proxy-mcp", ""), word)
		}
	}
}

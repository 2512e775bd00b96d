package serve

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// listOf is a JSON list of that many zeros.
func listOf(count int) string { return "[0" + strings.Repeat(",0", count-1) + "]" }

// namesOf is what an object of that many members has between its braces.
func namesOf(count int) string {
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf(`"n%d":{}`, i))
	}
	return strings.Join(names, ",")
}

// What is decoded whole takes many times its bytes, and has bounds of its own. Beyond them a message is refused, before
// any tool hears of it.
func TestWhatIsDecodedWholeIsBounded(t *testing.T) {
	f := newFixture()
	close(f.gate)
	ask := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{` + params + `}}`
	}
	long := `"` + strings.Repeat("x", guard.MaxWhole) + `"`
	client, h := startStdio(t, f.server().Stdio), startHTTP(t, f.server(), HTTP{})
	stream := h.openSSE()
	for transport, answerTo := range map[string]func(string) answer{
		"stdio": func(message string) answer { client.send(message + "\n"); return readAnswer(t, client.receive()) },
		"sse":   func(message string) answer { stream.send(message); return readAnswer(t, stream.receive()) },
		"mcp":   func(message string) answer { return readAnswer(t, h.post("/mcp", message).body) },
	} {
		for name, c := range map[string]struct {
			message, problem string
			code             int
		}{
			"a list of values":     {ask("tools/list", `"x":`+listOf(1001)), "more than 1000 values, which is taken only in a call of a tool", mcp.INVALID_REQUEST},
			"a long one":           {ask("tools/list", `"x":`+long), "longer than 65536 bytes", mcp.INVALID_REQUEST},
			"a ping":               {ask("ping", `"x":`+listOf(1001)), "only in a call of a tool that is here", mcp.INVALID_REQUEST},
			"a method unknown":     {ask("no/such", `"x":`+listOf(1001)), "only in a call of a tool that is here", mcp.INVALID_REQUEST},
			"a tool unknown":       {ask("tools/call", `"name":"nobody","arguments":`+listOf(1001)), "only in a call of a tool that is here", mcp.INVALID_REQUEST},
			"values in _meta":      {ask("tools/call", `"name":"stubborn","_meta":{"a":`+listOf(1001)+`}`), `"_meta" is longer than 65536 bytes or has more than 1000 values`, mcp.INVALID_PARAMS},
			"a long _meta":         {ask("tools/call", `"name":"stubborn","_meta":{"a":`+long+`}`), `"_meta" is longer than`, mcp.INVALID_PARAMS},
			"values in answers":    {ask("tools/call", `"name":"stubborn","inputResponses":{`+namesOf(1001)+`}`), `"inputResponses" is longer than 65536 bytes or has more than 1000 values`, mcp.INVALID_PARAMS},
			"names in params":      {ask("tools/call", `"name":"stubborn",`+namesOf(1001)), "params has more than 1000 names", mcp.INVALID_REQUEST},
			"names in the message": {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn"},` + namesOf(1001) + `}`, "the message has more than 1000 names", mcp.INVALID_REQUEST},
		} {
			a, name := answerTo(c.message), transport+": "+name
			require.NotNil(t, a.Error, name)
			require.Equal(t, c.code, a.Error.Code, name)
			require.Contains(t, a.Error.Message, c.problem, name)
			require.Contains(t, a.Error.Message, "nothing was done", name)
			require.Equal(t, "1", string(a.ID), name)
			require.Empty(t, f.started, name)
		}
		for name, message := range map[string]string{
			"a list of fewer values":  ask("tools/list", `"x":`+listOf(900)),
			"what looks like values":  ask("tools/list", `"x":"`+strings.Repeat(`,[{\"`, 2000)+`"`),
			"a call's own arguments":  ask("tools/call", `"name":"echo","arguments":`+listOf(100_000)),
			"a handshake's client":    ask("initialize", `"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"x":`+listOf(2000)+`}`),
			"a handshake's more":      ask("initialize", `"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{},`+namesOf(2000)),
			"a handshake's declaring": ask("initialize", `"protocolVersion":"2025-11-25","capabilities":{`+namesOf(2000)+`},"clientInfo":{}`),
		} {
			require.Nil(t, answerTo(message).Error, transport+": "+name)
		}
	}
}

// An answer to our question that is too much is none.
func TestAHeavyAnswerToAQuestionCannotBeRead(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}` + "\n")
	client.receive()
	client.send(callLine(2, "ask"))
	var asked struct{ ID json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(client.receive()), &asked))
	client.send(`{"jsonrpc":"2.0","id":` + string(asked.ID) + `,"result":{"action":"accept","content":{"a":` + listOf(1001) + `}}}` + "\n")
	a := readAnswer(t, client.receive())
	require.Equal(t, "2", string(a.ID))
	require.Contains(t, a.Error.Message, "cannot be read")
}

// Over /mcp, mcp-go gets nothing that is too much for it, whatever a request's headers are.
func TestAHeavyMessageIsRefusedWhateverItsHeader(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	for _, header := range []map[string]string{
		nil, {"Mcp-Protocol-Version": "2026-07-28"}, {"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"},
	} {
		for _, message := range []string{
			`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":` + listOf(1001) + `,` + modernMeta + `}}`,
			`{"jsonrpc":"2.0","id":1,"result":` + listOf(1001) + `}`,
		} {
			got, err := h.do("POST", "/mcp", message, header)
			require.NoError(t, err)
			require.Equal(t, 400, got.status, got.body)
			require.Contains(t, readAnswer(t, got.body).Error.Message, "only in a call of a tool that is here, with the right headers; nothing was done")
		}
	}
}

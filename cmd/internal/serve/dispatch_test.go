package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestModernResultsAreDecorated(t *testing.T) {
	identity := `"io.modelcontextprotocol/serverInfo":{"name":"fixture","version":"1.2.3","title":"A fixture"}`
	for result, want := range map[string]string{
		`{"_meta":{"a":1},"content":[]}`:                                         `{"_meta":{"a":1,` + identity + `},"content":[],"resultType":"complete"}`,
		`{"_meta":{},"content":[]}`:                                              `{"_meta":{` + identity + `},"content":[],"resultType":"complete"}`,
		`{"content":[]}`:                                                         `{"_meta":{` + identity + `},"content":[],"resultType":"complete"}`,
		`{"content":[],"_meta":{"a":1}}`:                                         `{"_meta":{"a":1,` + identity + `},"content":[],"resultType":"complete"}`,
		`{"_meta":null,"content":[]}`:                                            `{"_meta":{` + identity + `},"content":[],"resultType":"complete"}`,
		`{"_meta":{"a":1},"content":[],"resultType":"input_required"}`:           `{"_meta":{"a":1,` + identity + `},"content":[],"resultType":"input_required"}`,
		`{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"x"}},"a":[]}`:   `{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"x"}},"a":[],"resultType":"complete"}`,
		`{"_meta":{"a":1},"content":[{"text":"\"resultType\""}]}`:                `{"_meta":{"a":1,` + identity + `},"content":[{"text":"\"resultType\""}],"resultType":"complete"}`,
		`{"_meta":{"a":1},"content":[{"resultType":"of something else's own"}]}`: `{"_meta":{"a":1,` + identity + `},"content":[{"resultType":"of something else's own"}],"resultType":"complete"}`,
	} {
		head, rest := newFixture().server().modernize(nil, []byte(result))
		require.JSONEq(t, want, string(head)+string(rest))
	}
}

func TestAResultOfSeveralLinesIsSentAsOne(t *testing.T) {
	s := &Server{MCP: newFixture().mcp(), Call: func(context.Context, Call) (json.RawMessage, bool) {
		return json.RawMessage("{\n \"content\": [ ]\n}"), true
	}}
	m, refusal := decode([]byte(callLine(1, "any")))
	require.Nil(t, refusal)
	require.Equal(t, `{"jsonrpc":"2.0","id":1,"result":{"content":[]}}`, whole(s.handle(context.Background(), nil, m)))
}

func whole(p parts) string { return string(p[0]) + string(p[1]) + string(p[2]) }

func TestCallHandsOnRawBytes(t *testing.T) {
	var got Call
	s := &Server{MCP: newFixture().mcp(), Call: func(_ context.Context, call Call) (json.RawMessage, bool) {
		got = call
		return json.RawMessage(`{"content":[]}`), true
	}}
	m, refusal := decode([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a": 1.0,"a":2},"_meta":{"x": 1}}}`))
	require.Nil(t, refusal)
	s.handle(context.Background(), nil, m)
	require.Equal(t, Call{Name: "t", Arguments: json.RawMessage(`{"a": 1.0,"a":2}`), Meta: json.RawMessage(`{"x": 1}`)}, got)
}

func TestLogAttrsNameTheRequestAndItsTrace(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	var got []slog.Attr
	s := &Server{MCP: newFixture().mcp(), Call: func(ctx context.Context, _ Call) (json.RawMessage, bool) {
		got = AppendLogAttrs(ctx, nil)
		return json.RawMessage(`{"content":[]}`), true
	}}
	m, refusal := decode([]byte(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t","_meta":{"traceparent":"00-` + trace + `-` + span + `-01"}}}`))
	require.Nil(t, refusal)
	s.handle(withRequest(context.Background(), request{transport: "stdio"}), nil, m)
	require.Equal(t, []slog.Attr{
		slog.String("transport", "stdio"), slog.String("jsonrpc_id", "a"), slog.String("trace_id", trace), slog.String("span_id", span),
	}, got)
}

func TestTraceparentIsHeldToTheSpecification(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for value, want := range map[string]bool{
		"00-" + trace + "-" + span + "-01":                    true,
		"00-" + trace + "-" + span + "-00":                    true,
		"cc-" + trace + "-" + span + "-01-more":               true,
		"00-" + trace + "-" + span + "-01-more":               false,
		"cc-" + trace + "-" + span + "-01more":                false,
		"ff-" + trace + "-" + span + "-01":                    false,
		"00-" + trace + "-0000000000000000-01":                false,
		"00-00000000000000000000000000000000-" + span + "-01": false,
		"00-0AF7651916CD43DD8448EB211C80319C-" + span + "-01": false,
		"00-" + trace + "_" + span + "-01":                    false,
		"00-" + trace + "-" + span:                            false,
		"":                                                    false,
		"00-zzf7651916cd43dd8448eb211c80319c-" + span + "-01": false,
	} {
		_, _, ok := parseTraceparent(value)
		require.Equal(t, want, ok, "%s", value)
	}
}

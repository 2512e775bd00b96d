package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

// results are what a tool may give, by name.
func results() map[string]*mcp.CallToolResult {
	meta := func(fields map[string]any) mcp.Result { return mcp.Result{Meta: &mcp.Meta{AdditionalFields: fields}} }
	text := []mcp.Content{mcp.NewTextContent("\"resultType\" <&>\u2028\nline")}
	return map[string]*mcp.CallToolResult{
		"filled _meta":     {Result: meta(map[string]any{"a": 1, "b": json.RawMessage(`{"c":2}`)}), Content: text},
		"empty _meta":      {Result: meta(map[string]any{}), Content: text},
		"no _meta":         {Content: []mcp.Content{}},
		"two texts":        {Content: []mcp.Content{text[0], mcp.NewTextContent("two")}},
		"other contents":   {Content: []mcp.Content{mcp.NewImageContent("cG5n", "image/png"), text[0]}},
		"annotated":        {Content: []mcp.Content{mcp.TextContent{Annotated: mcp.Annotated{Annotations: &mcp.Annotations{}}, Type: "text", Text: "a"}}},
		"an error":         {Content: text, IsError: true},
		"structured":       {Content: text, StructuredContent: map[string]any{"resultType": "of its own"}},
		"raw structured":   {Content: text, RawStructuredContent: json.RawMessage(`{"n":9007199254740993}`)},
		"its own identity": {Result: meta(map[string]any{mcp.MetaKeyServerInfo: map[string]any{"name": "x"}}), Content: text},
		"input required": {Result: mcp.Result{ResultType: mcp.ResultTypeInputRequired}, MultiRoundTripResult: mcp.MultiRoundTripResult{
			RequestState: "sealed \"<&>\"", InputRequests: mcp.InputRequests{"id": mcp.NewElicitationInputRequest(mcp.ElicitationParams{Message: "Really?"})},
		}},
	}
}

// What is written by hand must be what mcp-go would write of the same result.
func TestResultsAreWrittenAsTheLibraryWrites(t *testing.T) {
	s := newFixture().server()
	for name, r := range results() {
		library, err := json.Marshal(r)
		require.NoError(t, err)
		var got struct{ Result json.RawMessage }
		require.NoError(t, json.Unmarshal(s.encode(json.RawMessage("1"), r, r.ResultType != ""), &got), name)
		var want, have map[string]any
		require.NoError(t, json.Unmarshal(library, &want))
		require.NoError(t, json.Unmarshal(got.Result, &have))
		if name == "empty _meta" {
			delete(want, "_meta")
		}
		if r.ResultType != "" { // revision 2026-07-28, on which alone it may be
			delete(have, "_meta")
		}
		require.Equal(t, want, have, name)
	}
}

// Revision 2026-07-28 wants resultType, and the server's identity in _meta, unless the tool gave its own.
func TestModernResultsAreDecorated(t *testing.T) {
	s := newFixture().server()
	for name, r := range results() {
		var got struct {
			Result struct {
				ResultType string
				Meta       map[string]any `json:"_meta"`
			}
		}
		require.NoError(t, json.Unmarshal(s.encode(json.RawMessage("1"), r, true), &got), name)
		identity := map[string]any{"name": "fixture", "version": "1.2.3", "title": "A fixture"}
		kind := "complete"
		switch name {
		case "its own identity":
			identity = map[string]any{"name": "x"}
		case "input required":
			kind = "input_required"
		case "filled _meta":
			require.EqualValues(t, 1, got.Result.Meta["a"])
		}
		require.Equal(t, kind, got.Result.ResultType, name)
		require.Equal(t, identity, got.Result.Meta[mcp.MetaKeyServerInfo], name)
	}
}

// A byte that is no UTF-8 must not cost the answer.
func TestInvalidUTF8IsReplaced(t *testing.T) {
	encoded := newFixture().server().encode(json.RawMessage("1"), mcp.NewToolResultText("bad \xff"), false)
	require.NotContains(t, string(encoded), "\xff")
	require.Equal(t, "bad \uFFFD", readAnswer(t, string(encoded)).Result.Content[0].Text)
}

func TestAResultOfSeveralLinesIsSentAsOne(t *testing.T) {
	s := serverOf(func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{RawStructuredContent: json.RawMessage("{\n \"a\": [ ]\n}")}, nil
	}, "any")
	m, refusal := decode([]byte(callLine(1, "any")))
	require.Nil(t, refusal)
	require.Equal(t, `{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":[]}}}`, string(first(s.answer(context.Background(), m))))
}

func first(answer []byte, _ int) []byte { return answer }

// A handler that gives neither a result nor an error, or asks in a way that the client's revision does not have, must not
// be answered with what no client accepts.
func TestAnUnusableResultIsAnError(t *testing.T) {
	for name, result := range map[string]*mcp.CallToolResult{"nothing": nil, "input required": results()["input required"]} {
		s := serverOf(func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return result, nil }, "any")
		m, _ := decode([]byte(callLine(1, "any")))
		require.Equal(t, -32603, readAnswer(t, string(first(s.answer(context.Background(), m)))).Error.Code, name)
	}
}

func TestACallHandsOnRawBytes(t *testing.T) {
	var got mcp.CallToolParams
	s := serverOf(func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		got = r.Params
		return mcp.NewToolResultText(""), nil
	}, "t")
	m, refusal := decode([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a": 1.0,"a":2},"_meta":{"x": 1}}}`))
	require.Nil(t, refusal)
	s.answer(context.Background(), m)
	require.Equal(t, "t", got.Name)
	require.Equal(t, json.RawMessage(`{"a": 1.0,"a":2}`), got.RawArguments)
	require.Equal(t, map[string]any{"x": json.RawMessage("1")}, got.Meta.AdditionalFields)
}

func TestLogAttrsNameTheRequestAndItsTrace(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	var got []slog.Attr
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		got = AppendLogAttrs(ctx, nil)
		return mcp.NewToolResultText(""), nil
	}, "t")
	m, refusal := decode([]byte(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t","_meta":{"traceparent":"00-` + trace + `-` + span + `-01"}}}`))
	require.Nil(t, refusal)
	s.answer(withOrigin(context.Background(), origin{transport: "stdio"}), m)
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
		traceID, spanID := parseTraceparent(value)
		require.Equal(t, want, traceID != "", "%s", value)
		require.Equal(t, want, spanID != "", "%s", value)
	}
}

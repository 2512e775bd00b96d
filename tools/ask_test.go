package tools

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

// callModern calls as a client of revision 2026-07-28 that declares these capabilities.
func (c *called) callModern(t *testing.T, capabilities string) (result *mcp.CallToolResult, o Outcome) {
	t.Helper()
	info := &server.RequestProtocolInfo{Modern: true, ProtocolVersion: "2026-07-28", ClientCapabilities: new(mcp.ClientCapabilities)}
	require.NoError(t, json.Unmarshal([]byte(capabilities), info.ClientCapabilities))
	result, err := c.handle(server.WithRequestProtocolInfo(t.Context(), info), mcp.CallToolRequest{Params: mcp.CallToolParams{Name: "test", RawArguments: json.RawMessage(`{}`)}})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(result.Meta.AdditionalFields[MetaOutcome].(json.RawMessage), &o))
	return result, o
}

// A question is asked in the modes that the client declared, and in no other. Where one is asked, a tool that may send says
// that it has not yet.
func TestAQuestionIsAskedInADeclaredModeAlone(t *testing.T) {
	const form, url = mcp.ElicitationModeForm, mcp.ElicitationModeURL
	for capabilities, asked := range map[string]map[string]bool{
		`{}`:                                   {form: false, url: false, "": false},
		`{"elicitation":{}}`:                   {form: true, url: false, "": true},
		`{"elicitation":{"form":{}}}`:          {form: true, url: false, "": true},
		`{"elicitation":{"url":{}}}`:           {form: false, url: true, "": false},
		`{"elicitation":{"form":{},"url":{}}}`: {form: true, url: true, "": true},
	} {
		for mode, want := range asked {
			tool := offer(t, Texts, func(ctx context.Context, call *Call, _ in) (out, error) {
				require.Equal(t, want, call.CanAsk(mode))
				_, err := call.Ask(ctx, Question{ID: "q", Params: mcp.ElicitationParams{Mode: mode, Message: "?"}})
				require.Equal(t, !want, errors.Is(err, ErrCannotAsk))
				return out{}, err
			})
			result, got := tool.callModern(t, capabilities)
			require.Equal(t, want, result.NeedsInput(), "%s %s", capabilities, mode)
			code := CodeTryLater
			if want {
				code = CodeInputRequired
			}
			require.Equal(t, Outcome{Code: code, Sent: SentNo}, got, "%s %s", capabilities, mode)
		}
	}
}

// What was noted before a panic may be untrue after it.
func TestAPanicDropsWhatWasNoted(t *testing.T) {
	tool := offer(t, Texts, func(_ context.Context, call *Call, _ in) (out, error) {
		call.Lead("All is well.")
		call.Note("It was sent.")
		panic("a private word")
	})
	result, got := tool.call(t, `{}`)
	require.Equal(t, Outcome{Code: CodeInternal, Sent: SentUnknown}, got)
	require.Len(t, result.Content, 1)
	require.Contains(t, text(result, 0), "a fault of its own")
}

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// defaultTools are offered without --tools, sorted by name.
var defaultTools = []string{"find_participant", "get_interaction", "list_sessions", "send_message_interaction"}

// satisfies checks a value against a published schema with its own validator,
// which also checks formats, as a strict client does.
func satisfies(t *testing.T, schema, value any) {
	t.Helper()
	compiler := validator.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("schema.json", decoded(t, schema)))
	compiled, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	require.NoError(t, compiled.Validate(decoded(t, value)))
}

func decoded(t *testing.T, value any) any {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	plain, err := validator.UnmarshalJSON(bytes.NewReader(encoded))
	require.NoError(t, err)
	return plain
}

// The client of the official Go SDK shares no code with mcp-go.
func TestGoSDKClientOverStdio(t *testing.T) {
	for _, version := range []string{modern, "2025-11-25", legacy, "2024-11-05"} {
		t.Run(version, func(t *testing.T) {
			f, env := startFake(t)
			cmd := exec.Command(binary)
			cmd.Env = environment(t, env...)
			checkWithGoSDK(t, f, &mcp.CommandTransport{Command: cmd}, version)
		})
	}
}

// goSDK connects a client of the official Go SDK.
func goSDK(t testing.TB, transport mcp.Transport, version string) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "foreign", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	require.NoError(t, err)
	t.Cleanup(func() { session.Close() })
	require.Equal(t, version, session.InitializeResult().ProtocolVersion)
	return session
}

// goSDKTools are the tools that a server offers, by name.
func goSDKTools(t testing.TB, session *mcp.ClientSession) map[string]*mcp.Tool {
	t.Helper()
	list, err := session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	offered := map[string]*mcp.Tool{}
	for _, tool := range list.Tools {
		offered[tool.Name] = tool
	}
	require.Len(t, offered, len(list.Tools))
	return offered
}

// checkWithGoSDK lists the tools, sends with one, and checks a validation error and an
// error from upstream.
func checkWithGoSDK(t *testing.T, f *fake.Fake, transport mcp.Transport, version string) {
	ctx := context.Background()
	session := goSDK(t, transport, version)
	defer session.Close()
	offered := goSDKTools(t, session)
	require.Equal(t, defaultTools, slices.Sorted(maps.Keys(offered)))
	tool := offered["send_message_interaction"]
	require.False(t, tool.Annotations.ReadOnlyHint)
	require.True(t, *tool.Annotations.DestructiveHint)
	require.False(t, tool.Annotations.IdempotentHint)
	require.True(t, *tool.Annotations.OpenWorldHint)

	accepted := f.Accepted()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: arguments("some message")})
	require.NoError(t, err)
	require.False(t, result.IsError)
	satisfies(t, tool.OutputSchema, result.StructuredContent)
	text, err := json.Marshal(result.StructuredContent)
	require.NoError(t, err)
	require.JSONEq(t, result.Content[0].(*mcp.TextContent).Text, string(text), "the text is the same JSON")
	require.Equal(t, `{"body":"some message"}`, result.StructuredContent.(map[string]any)["data"])
	require.Equal(t, accepted+1, f.Accepted())

	result, err = session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: map[string]any{"ServiceSid": "abcde"}})
	require.NoError(t, err)
	require.True(t, result.IsError)
	require.Contains(t, result.Content[0].(*mcp.TextContent).Text, "ServiceSid: has 5 characters, must have exactly 34")

	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 400, Code: 80607}))
	result, err = session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: arguments("to a closed session")})
	require.NoError(t, err)
	require.True(t, result.IsError)
	require.Contains(t, result.Content[0].(*mcp.TextContent).Text, "80607")
	require.Equal(t, accepted+1, f.Accepted())
}

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// Two revisions of MCP. The newest has no handshake.
const (
	modern = "2026-07-28"
	legacy = "2025-06-18"
)

func TestGoSDKClientOverStreamableHTTP(t *testing.T) {
	for _, version := range []string{modern, "2025-11-25", legacy, "2025-03-26"} {
		t.Run(version, func(t *testing.T) {
			f, env := startFake(t)
			s := startHTTP(t, environment(t, env...))
			checkWithGoSDK(t, f, &mcp.StreamableClientTransport{Endpoint: s.url + "/mcp"}, version)
			s.stop()
		})
	}
}

func TestGoSDKClientOverSSE(t *testing.T) {
	for _, version := range []string{modern, legacy, "2024-11-05"} {
		t.Run(version, func(t *testing.T) {
			f, env := startFake(t)
			s := startHTTP(t, environment(t, env...))
			checkWithGoSDK(t, f, &mcp.SSEClientTransport{Endpoint: s.url + "/sse"}, version)
			s.stop()
		})
	}
}

// A reverse proxy may serve the server under a path of its own.
func TestSSEClientsBehindAPathPrefix(t *testing.T) {
	for _, path := range []string{"/a/prefix/sse", "/a/prefix/sse/"} {
		t.Run(path, func(t *testing.T) {
			f, front := startBehindPrefix(t)
			checkWithGoSDK(t, f, &mcp.SSEClientTransport{Endpoint: front + path}, legacy)
			f, front = startBehindPrefix(t)
			client, err := mcpgo.NewSSEMCPClient(front + path)
			require.NoError(t, err)
			checkWithMCPGo(t, f, client, legacy)
		})
	}
}

// startBehindPrefix starts a server behind a proxy that takes /a/prefix away, and returns its fake and the proxy's URL.
func startBehindPrefix(t *testing.T) (*fake.Fake, string) {
	f, env := startFake(t)
	target, err := url.Parse(startHTTP(t, environment(t, env...)).url)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(http.StripPrefix("/a/prefix", proxy))
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	return f, front.URL
}

// mcp-go's own client, over each transport in both eras of the protocol.
func TestMCPGoClient(t *testing.T) {
	for _, version := range []string{modern, legacy} {
		t.Run("stdio "+version, func(t *testing.T) {
			f, env := startFake(t)
			client, err := stdioMCPGo(binary, environment(t, env...))
			require.NoError(t, err)
			checkWithMCPGo(t, f, client, version)
		})
		t.Run("streamable HTTP "+version, func(t *testing.T) {
			f, env := startFake(t)
			s := startHTTP(t, environment(t, env...))
			client, err := mcpgo.NewStreamableHttpClient(s.url + "/mcp")
			require.NoError(t, err)
			checkWithMCPGo(t, f, client, version)
			s.stop()
		})
		t.Run("SSE "+version, func(t *testing.T) {
			f, env := startFake(t)
			s := startHTTP(t, environment(t, env...))
			client, err := mcpgo.NewSSEMCPClient(s.url + "/sse")
			require.NoError(t, err)
			checkWithMCPGo(t, f, client, version)
			s.stop()
		})
	}
}

// stdioMCPGo starts a binary with only this environment. By default, mcp-go's client adds that of its own process.
func stdioMCPGo(binary string, env []string) (*mcpgo.Client, error) {
	return mcpgo.NewStdioMCPClientWithOptions(binary, env, nil, transport.WithCommandFunc(
		func(ctx context.Context, command string, env, arguments []string) (*exec.Cmd, error) {
			cmd := exec.CommandContext(ctx, command, arguments...)
			cmd.Env = env
			return cmd, nil
		}))
}

// The processes in tests do not see a developer's own credentials and ledger.
func TestProcessesInheritNothingOfTheCommands(t *testing.T) {
	for _, name := range []string{"ACCOUNT_SID", "AUTH_TOKEN", "PROXY_MCP_LEDGER_FILE", "PROXY_MCP_RATE_LIMIT"} {
		t.Setenv("TWILIO_"+name, "poisoned")
	}
	ledger := filepath.Join(t.TempDir(), "ledger.db")
	t.Setenv("TWILIO_PROXY_MCP_LEDGER", ledger)
	f, env := startFake(t)
	client, err := stdioMCPGo(binary, environment(t, env...))
	require.NoError(t, err)
	checkWithMCPGo(t, f, client, legacy)
	require.NoFileExists(t, ledger)
}

// checkWithMCPGo lists the tool, calls it, and checks a validation error and an
// error from upstream.
func checkWithMCPGo(t *testing.T, f *fake.Fake, client *mcpgo.Client, version string) {
	t.Helper()
	connectMCPGo(t, client, version)
	list, err := client.ListTools(t.Context(), protocol.ListToolsRequest{})
	require.NoError(t, err)
	var offered []string
	for _, tool := range list.Tools {
		offered = append(offered, tool.Name)
	}
	require.ElementsMatch(t, defaultTools, offered)

	accepted := f.Accepted()
	result, err := client.CallTool(t.Context(), toolCall(arguments("some message")))
	require.NoError(t, err)
	require.False(t, result.IsError)
	require.Equal(t, `{"body":"some message"}`, result.StructuredContent.(map[string]any)["data"])
	require.Equal(t, accepted+1, f.Accepted())

	result, err = client.CallTool(t.Context(), toolCall(map[string]any{"ServiceSid": "abcde"}))
	require.NoError(t, err)
	require.True(t, result.IsError)
	require.Contains(t, result.Content[0].(protocol.TextContent).Text, "ServiceSid: has 5 characters, must have exactly 34")

	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 400, Code: 80607}))
	result, err = client.CallTool(t.Context(), toolCall(arguments("to a closed session")))
	require.NoError(t, err)
	require.True(t, result.IsError)
	require.Contains(t, result.Content[0].(protocol.TextContent).Text, "80607")
	require.Equal(t, accepted+1, f.Accepted())

	misspelled := toolCall(arguments("with a key, it believes"))
	misspelled.Params.Meta = &protocol.Meta{AdditionalFields: map[string]any{"Twilio-Proxy-MCP/Idempotency-Key": "k"}}
	result, err = client.CallTool(t.Context(), misspelled)
	require.NoError(t, err)
	require.True(t, result.IsError)
	require.Contains(t, result.Content[0].(protocol.TextContent).Text, `"twilio-proxy-mcp/idempotency-key"`)
	require.Equal(t, accepted+1, f.Accepted())
}

func connectMCPGo(t testing.TB, client *mcpgo.Client, version string) {
	t.Helper()
	t.Cleanup(func() { client.Close() })
	require.NoError(t, client.Start(t.Context()))
	var hello protocol.InitializeRequest
	hello.Params.ProtocolVersion = version
	hello.Params.ClientInfo = protocol.Implementation{Name: "foreign", Version: "1"}
	welcome, err := client.Initialize(t.Context(), hello)
	require.NoError(t, err)
	require.Equal(t, version, welcome.ProtocolVersion)
}

func toolCall(arguments map[string]any) (call protocol.CallToolRequest) {
	call.Params.Name, call.Params.Arguments = "send_message_interaction", arguments
	return call
}

// In revision 2026-07-28 there is no handshake. Each request says what the client
// is. This test checks requests and answers as bytes, without a client library.
func TestModernRequestsOnTheWire(t *testing.T) {
	_, env := startFake(t)
	s := startHTTP(t, environment(t, env...)).as("Mcp-Protocol-Version", modern)
	meta := map[string]any{"io.modelcontextprotocol/protocolVersion": modern, "io.modelcontextprotocol/clientCapabilities": map[string]any{}}

	r := s.as("Mcp-Method", "tools/list").post(rpc(1, "tools/list", map[string]any{"_meta": meta}))
	list := modernResult(t, r)
	require.Equal(t, float64(3_600_000), list["ttlMs"], "milliseconds for which the list may be kept")
	require.Equal(t, "public", list["cacheScope"])
	require.Len(t, list["tools"], len(defaultTools))

	call := rpc(2, "tools/call", sendParams("some message", meta))
	r = s.as("Mcp-Method", "tools/call").as("Mcp-Name", "send_message_interaction").post(call)
	result := modernResult(t, r)
	require.Equal(t, `{"body":"some message"}`, result["structuredContent"].(map[string]any)["data"])
	require.Equal(t, "sent", result["_meta"].(map[string]any)["twilio-proxy-mcp/outcome"].(map[string]any)["code"])

	r = s.as("Mcp-Method", "server/discover").post(rpc(3, "server/discover", map[string]any{"_meta": meta}))
	require.Contains(t, modernResult(t, r)["instructions"], "The backend is live")

	r = s.as("Mcp-Method", "tools/list").as("Mcp-Name", "send_message_interaction").post(call)
	require.Equal(t, http.StatusBadRequest, r.status, "a header that contradicts the body")
}

func modernResult(t *testing.T, r reply) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	var answer struct{ Result map[string]any }
	require.NoError(t, json.Unmarshal([]byte(r.body), &answer))
	require.Equal(t, "complete", answer.Result["resultType"], r.body)
	server := answer.Result["_meta"].(map[string]any)["io.modelcontextprotocol/serverInfo"].(map[string]any)
	require.Equal(t, "twilio-proxy-mcp", server["name"])
	require.NotEmpty(t, server["version"])
	return answer.Result
}

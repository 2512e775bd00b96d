package find

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A bench has the four tools over a real client and an upstream on loopback. A test may change config and tools before its
// first call.
type bench struct {
	t        testing.TB
	url      string // of the upstream
	requests atomic.Int32
	config   Config
	tools    *tools.Tools
	log      *sharedLog
	offer    func() *server.MCPServer
}

type sharedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t testing.TB, upstream http.Handler) *bench {
	b := &bench{t: t, log: &sharedLog{}}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.Add(1)
		upstream.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { listening.CloseClientConnections(); listening.Close() })
	b.url = listening.URL
	b.config = Config{Client: &twilio.Client{BaseURL: b.url, Username: fake.AccountSid, Password: "secret"}}
	t.Cleanup(b.config.Client.Close)
	b.tools = &tools.Tools{Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	b.offer = sync.OnceValue(func() *server.MCPServer {
		f := New(b.config)
		require.NoError(t, errors.Join(
			tools.Add(b.tools, f.FindParticipant()), tools.Add(b.tools, f.GetInteraction()),
			tools.Add(b.tools, f.ListSessions()), tools.Add(b.tools, f.ReadConversation())))
		s := server.NewMCPServer("test", "0")
		b.tools.Register(s)
		return s
	})
	return b
}

func newFake(t testing.TB, c fake.Config) *fake.Fake {
	f := fake.New(c)
	t.Cleanup(func() { f.Close() })
	return f
}

// A reading is a tools/call result as a client reads it.
type reading struct {
	Meta struct {
		Outcome tools.Outcome `json:"twilio-proxy-mcp/outcome"`
	} `json:"_meta"`
	Content    []struct{ Type, Text string }
	Structured json.RawMessage `json:"structuredContent"`
	IsError    bool
	raw        string
}

func (b *bench) call(tool, arguments string) reading {
	b.t.Helper()
	return b.callIn(b.t.Context(), tool, arguments)
}

// callIn calls a tool as mcp-go has it registered. A success must fit the schema that was published.
func (b *bench) callIn(ctx context.Context, tool, arguments string) (a reading) {
	b.t.Helper()
	offered := b.offer().GetTool(tool)
	result, err := offered.Handler(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{
		Name: tool, RawArguments: json.RawMessage(arguments), Meta: &mcp.Meta{ProgressToken: "token"},
	}})
	require.NoError(b.t, err)
	encoded, err := json.Marshal(result)
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(encoded, &a), string(encoded))
	if a.raw = string(encoded); a.IsError {
		require.Nil(b.t, a.Structured)
		return a
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(a.Structured))
	require.NoError(b.t, err)
	require.NoError(b.t, compiled(b.t, offered.Tool.RawOutputSchema).Validate(value), a.raw)
	return a
}

func compiled(t testing.TB, schema []byte) *validator.Schema {
	parsed, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	require.NoError(t, err)
	compiler := validator.NewCompiler()
	require.NoError(t, compiler.AddResource("output.json", parsed))
	output, err := compiler.Compile("output.json")
	require.NoError(t, err)
	return output
}

// text is all content.
func (a reading) text() (all string) {
	for _, content := range a.Content {
		all += content.Text + "\n"
	}
	return all
}

// read decodes a success into out and returns its notice.
func (a reading) read(t testing.TB, out any) (notice string) {
	t.Helper()
	require.False(t, a.IsError, a.raw)
	require.Equal(t, tools.CodeOK, a.Meta.Outcome.Code)
	require.NoError(t, json.Unmarshal(a.Structured, out), a.raw)
	var noticed struct{ Notice string }
	require.NoError(t, json.Unmarshal(a.Structured, &noticed))
	return noticed.Notice
}

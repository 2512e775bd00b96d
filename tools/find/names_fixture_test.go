package find

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A finding is find_participant over a real client and an upstream on loopback.
type finding struct {
	t      testing.TB
	mu     sync.Mutex // for log
	log    bytes.Buffer
	tool   mcp.Tool
	output *validator.Schema
	handle server.ToolHandlerFunc // as mcp-go has it registered
}

func (b *finding) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *finding) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// newFinding lets the test change the configuration first.
func newFinding(t testing.TB, upstream http.Handler, change func(*Config, *tools.Tools)) *finding {
	t.Helper()
	listening := httptest.NewServer(upstream)
	t.Cleanup(func() { listening.CloseClientConnections(); listening.Close() })
	b := &finding{t: t}
	c := Config{Client: &twilio.Client{BaseURL: listening.URL, Username: fake.AccountSid, Password: "secret"}}
	t.Cleanup(c.Client.Close)
	all := &tools.Tools{Log: slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&c, all)
	}
	require.NoError(t, tools.Add(all, New(c).FindParticipant()))
	s := server.NewMCPServer("test", "0")
	all.Register(s)
	b.tool, b.handle = s.GetTool("find_participant").Tool, s.GetTool("find_participant").Handler
	parsed, err := validator.UnmarshalJSON(bytes.NewReader(b.tool.RawOutputSchema))
	require.NoError(t, err)
	compiler := validator.NewCompiler()
	require.NoError(t, compiler.AddResource("output.json", parsed))
	b.output, err = compiler.Compile("output.json")
	require.NoError(t, err)
	return b
}

func newWorld(t testing.TB, services ...any) *fake.Fake {
	t.Helper()
	f := fake.New(fake.Config{KeepRequests: 10_000})
	t.Cleanup(func() { f.Close() })
	if len(services) > 0 {
		seed(t, f, services...)
	}
	return f
}

func seed(t testing.TB, f *fake.Fake, services ...any) {
	t.Helper()
	document, err := json.Marshal(map[string]any{"services": services})
	require.NoError(t, err)
	require.NoError(t, f.Seed(document))
}

// A record is a resource of a seed. See the package comment of the fake.
type record map[string]any

const (
	dora     = "KP0000000000000000000000000000d04a"
	customer = "KP0000000000000000000000000000c057"
	session  = "KC00000000000000000000000000000001"
)

// shop is a Service with these sessions.
func shop(sessions ...record) record {
	return record{"sid": fake.ServiceSid, "unique_name": "shop", "sessions": sessions,
		"phone_numbers": []record{{"phone_number": "+15550109999"}, {"phone_number": "+15550109998"}}}
}

func order(name string, more record, people ...record) record {
	r := record{"unique_name": name, "participants": people}
	for key, value := range more {
		r[key] = value
	}
	return r
}

var people atomic.Int64

// participant has a number of its own unless it is given one.
func participant(name string, more record) record {

	r := record{"friendly_name": name, "identifier": fmt.Sprintf("+1555011%04d", people.Add(1))}
	for key, value := range more {
		r[key] = value
	}
	return r
}

func order1234() record {
	return order("Order #1234", record{"sid": session},
		participant("Dora (driver)", record{"sid": dora, "identifier": "+15550100001"}),
		participant("Carl", record{"sid": customer, "identifier": "+15550100002"}))
}

// An answer is a tools/call result as a client reads it.
type answer struct {
	IsError bool
	Text    string
	Outcome tools.Outcome
	Found   Found
	Notice  string
}

func (a answer) names() (names []string) {
	for _, c := range a.Found.Candidates {
		names = append(names, textOf(c.FriendlyName))
	}
	return names
}

func (b *finding) find(arguments record) answer {
	b.t.Helper()
	return b.findIn(b.t.Context(), arguments)
}

func (b *finding) findIn(ctx context.Context, arguments record) (a answer) {
	b.t.Helper()
	encoded, err := json.Marshal(arguments)
	require.NoError(b.t, err)
	result, err := b.handle(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: "find_participant", RawArguments: encoded}})
	require.NoError(b.t, err)
	a.IsError = result.IsError
	for _, content := range result.Content {
		a.Text += content.(mcp.TextContent).Text + "\n"
	}
	require.NoError(b.t, json.Unmarshal(result.Meta.AdditionalFields[tools.MetaOutcome].(json.RawMessage), &a.Outcome))
	if a.IsError {
		require.Nil(b.t, result.RawStructuredContent)
		return a
	}
	var noticed struct{ Notice string }
	require.NoError(b.t, json.Unmarshal(result.RawStructuredContent, &a.Found))
	require.NoError(b.t, json.Unmarshal(result.RawStructuredContent, &noticed))
	a.Notice = noticed.Notice
	value, err := validator.UnmarshalJSON(bytes.NewReader(result.RawStructuredContent))
	require.NoError(b.t, err)
	require.NoError(b.t, b.output.Validate(value), string(result.RawStructuredContent))
	return a
}

// requested counts the requests that the fake saw, by operation.
func requested(f *fake.Fake) map[string]int {
	counts := map[string]int{}
	for _, r := range f.Requests() {
		counts[r.Operation]++
	}
	return counts
}

// rewritten passes what the upstream answers through change.
func rewritten(upstream http.Handler, change func(r *http.Request, body string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		upstream.ServeHTTP(recorded, r)
		for name, values := range recorded.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorded.Code)
		fmt.Fprint(w, change(r, recorded.Body.String()))
	})
}

// isList is true of a request for the list of this name.
func isList(r *http.Request, name string) bool { return strings.HasSuffix(r.URL.Path, "/"+name) }

func participantOf(name, identifier string) *schema.Participant {
	p := &schema.Participant{}
	if name != "" {
		p.FriendlyName = &name
	}
	if identifier != "" {
		p.Identifier = &identifier
	}
	return p
}

package find

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A follower is get_interaction as a transport calls it, over a real client and an upstream on loopback.
type follower struct {
	t        *testing.T
	requests atomic.Int32
	client   *twilio.Client
	tools    *tools.Tools
}

func newFollower(t *testing.T, upstream http.Handler) *follower {
	f := &follower{t: t}
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.requests.Add(1); upstream.ServeHTTP(w, r) })
	server := httptest.NewServer(counted)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	f.client = &twilio.Client{BaseURL: server.URL, Username: fake.AccountSid, Password: "secret"}
	f.tools = &tools.Tools{}
	return f
}

// A follow is a result as a client reads it.
type follow struct {
	Meta struct {
		Outcome tools.Outcome `json:"twilio-proxy-mcp/outcome"`
	} `json:"_meta"`
	Content    []struct{ Text string }
	Structured map[string]any `json:"structuredContent"`
	IsError    bool
}

func (a follow) text() string {
	var all []string
	for _, c := range a.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

// ask calls with the SIDs of one message and these other arguments, such as `,"WaitSeconds":1`.
func (f *follower) ask(ctx context.Context, sid, more string) (a follow) {
	f.t.Helper()
	all := &tools.Tools{Deadline: f.tools.Deadline, Log: f.tools.Log}
	require.NoError(f.t, tools.Add(all, New(Config{Client: f.client}).GetInteraction()))
	s := server.NewMCPServer("test", "0")
	all.Register(s)
	arguments := fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q,"InteractionSid":%q%s}`, fake.ServiceSid, fake.SessionSid, sid, more)
	result, err := s.GetTool("get_interaction").Handler(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{
		RawArguments: json.RawMessage(arguments), Meta: &mcp.Meta{ProgressToken: "token"},
	}})
	require.NoError(f.t, err)
	encoded, err := json.Marshal(result)
	require.NoError(f.t, err)
	require.NoError(f.t, json.Unmarshal(encoded, &a), string(encoded))
	if !a.IsError {
		require.NoError(f.t, f.output().Check(mustJSON(f.t, a.Structured)), "%v", a.Structured)
	}
	return a
}

func (f *follower) output() *schema.Document {
	document, err := schema.Output[Followed]()
	require.NoError(f.t, err)
	return document
}

func mustJSON(t *testing.T, value any) []byte {
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return encoded
}

// textTo has the fake send a text to somebody with this identifier, and returns its sid.
func textTo(t *testing.T, f *fake.Fake, client *twilio.Client, identifier string) string {
	t.Helper()
	require.NoError(t, f.Seed(fmt.Appendf(nil, `{"services":[{"sid":%q,"unique_name":"s","phone_numbers":[{"phone_number":"+15550199"}],"sessions":[{"sid":%q,"participants":[{"sid":%q,"identifier":%q}]}]}]}`,
		fake.ServiceSid, fake.SessionSid, fake.ParticipantSid, identifier)))
	var request schema.CreateMessageInteraction
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"ServiceSid":%q,"SessionSid":%q,"ParticipantSid":%q,"Body":"private words"}`,
		fake.ServiceSid, fake.SessionSid, fake.ParticipantSid), &request))
	created, err := client.CreateMessageInteraction(t.Context(), request, nil)
	require.NoError(t, err)
	return created.Interaction.Sid.String()
}

func stoppedFake(t *testing.T, config fake.Config) *fake.Fake {
	f := fake.New(config)
	t.Cleanup(func() { f.Close() })
	f.SetClock(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	return f
}

const (
	anInteraction = "KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	another       = "KIbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// answering is an upstream that says the same of every interaction: the fields of an Interaction in JSON.
func answering(fields string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, fields)
	}
}

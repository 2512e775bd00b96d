package find

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
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

// A reader has the tools that read lists, over a real client and an upstream on loopback.
type reader struct {
	t        testing.TB
	url      string // of the upstream
	log      *sharedLog
	observed []tools.Observation
	server   *server.MCPServer
	results  map[string]*schema.Document // by tool
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

func newReader(t testing.TB, upstream http.Handler) *reader {
	s := httptest.NewServer(upstream)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	r := &reader{t: t, url: s.URL, log: &sharedLog{}, server: server.NewMCPServer("test", "0")}
	f := New(Config{Client: &twilio.Client{BaseURL: s.URL, Username: fake.AccountSid, Password: "secret", Timeout: time.Minute}})
	all := &tools.Tools{Log: slog.New(slog.NewTextHandler(r.log, nil)), Observe: func(o tools.Observation) { r.observed = append(r.observed, o) }}
	require.NoError(t, tools.Add(all, f.FindParticipant()))
	require.NoError(t, tools.Add(all, f.ListSessions()))
	require.NoError(t, tools.Add(all, f.ReadConversation()))
	all.Register(r.server)
	sessions, err := schema.Output[SessionList]()
	require.NoError(t, err)
	conversation, err := schema.Output[Conversation]()
	require.NoError(t, err)
	found, err := schema.Output[Found]()
	require.NoError(t, err)
	r.results = map[string]*schema.Document{"find_participant": found, "list_sessions": sessions, "read_conversation": conversation}
	return r
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

func (r *reader) call(tool, arguments string) reading {
	r.t.Helper()
	return r.callIn(r.t.Context(), tool, arguments)
}

func (r *reader) callIn(ctx context.Context, tool, arguments string) reading {
	r.t.Helper()
	result, err := r.server.GetTool(tool).Handler(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: tool, RawArguments: json.RawMessage(arguments)}})
	require.NoError(r.t, err)
	encoded, err := json.Marshal(result)
	require.NoError(r.t, err)
	a := reading{raw: string(encoded)}
	require.NoError(r.t, json.Unmarshal(encoded, &a), string(encoded))
	if !a.IsError {
		require.NoError(r.t, r.results[tool].Check(a.Structured), "every result is as it was published")
	}
	return a
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

// sid is one of repeated digits.
func sid(letters string, n int) string {
	return letters + strings.Repeat(fmt.Sprintf("%02x", n%256), 16)
}

// paged answers every request with one of the pages, whose records are JSON.
func paged(key string, pages ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("Page"))
		next := "null"
		if n+1 < len(pages) {
			next = fmt.Sprintf(`"http://%s%s?Page=%d"`, r.Host, r.URL.Path, n+1)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{%q:[%s],"meta":{"next_page_url":%s}}`, key, pages[n], next)
	})
}

// linkedTo sends the link to the next page to another host.
func linkedTo(t *testing.T, to string, of http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := httptest.NewRecorder()
		of.ServeHTTP(answered, r)
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write(bytes.ReplaceAll(answered.Body.Bytes(), []byte("http://"+r.Host), []byte(to)))
		require.NoError(t, err)
	})
}

// stranger is a host that must not be asked.
func stranger(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	t.Cleanup(s.Close)
	return s.URL
}

func newFake(t testing.TB, c fake.Config) *fake.Fake {
	f := fake.New(c)
	t.Cleanup(func() { f.Close() })
	return f
}

// Both tools fail alike, and say nothing that a model may take for a send.
func TestListsThatCannotBeRead(t *testing.T) {
	hang := make(chan struct{})
	for name, tc := range map[string]struct {
		upstream http.HandlerFunc
		code     tools.Code
		words    string
	}{
		"none": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":20404,"message":"m","status":404}`, 404)
		}, tools.CodeRefused, "HTTP status 404"},
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			http.Error(w, `{"code":20429,"message":"m","status":429}`, http.StatusTooManyRequests)
		}, tools.CodeTryLater, "no more requests"},
		"broken": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"m","status":500}`, 500) }, tools.CodeTryLater, "HTTP status 500"},
		"no page": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"interactions":{"a":"private words"},"sessions":"private words"}`)
		}, tools.CodeTryLater, "could not be read"},
		"left": {func(_ http.ResponseWriter, r *http.Request) {
			hang <- struct{}{}
			<-r.Context().Done()
		}, tools.CodeTryLater, "cancelled"},
		"left on the way": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("Page") == "" {
				fmt.Fprintf(w, `{"interactions":[{"data":"{\"body\":\"private words\"}"}],"sessions":[],"meta":{"next_page_url":"http://%s%s?Page=1"}}`, r.Host, r.URL.Path)
				return
			}
			hang <- struct{}{}
			<-r.Context().Done()
		}, tools.CodeTryLater, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, tc.upstream)
			for tool, arguments := range map[string]string{
				"list_sessions":     fmt.Sprintf(`{"Service":%q}`, fake.ServiceSid),
				"read_conversation": fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q}`, fake.ServiceSid, fake.SessionSid),
			} {
				ctx, cancel := context.WithCancel(t.Context())
				if strings.HasPrefix(name, "left") {
					go func() { <-hang; cancel() }()
				}
				got := r.callIn(ctx, tool, arguments)
				cancel()
				require.True(t, got.IsError)
				require.Equal(t, tc.code, got.Meta.Outcome.Code, got.raw)
				require.Contains(t, got.Content[0].Text, tc.words)
				require.NotContains(t, got.raw, "private")
				require.NotContains(t, got.raw, "sent")
			}
			require.NotContains(t, r.log.String(), "private")
		})
	}
}

// The range of a Limit is a rule, and null is no Limit.
func TestLimits(t *testing.T) {
	r := newReader(t, newFake(t, fake.Config{}))
	for limit, valid := range map[string]bool{"0": false, "-1": false, "101": false, "1e30": false, "1.5": false, `"5"`: false, "1": true, "100": true, "null": true} {
		for tool, arguments := range map[string]string{
			"list_sessions":     fmt.Sprintf(`{"Service":%q,"Limit":%s}`, fake.ServiceSid, limit),
			"read_conversation": fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q,"Limit":%s}`, fake.ServiceSid, fake.SessionSid, limit),
		} {
			got := r.call(tool, arguments)
			require.Equal(t, !valid, got.IsError, "%s %s", limit, got.raw)
			if !valid {
				require.Equal(t, tools.CodeInvalidArguments, got.Meta.Outcome.Code)
				require.Regexp(t, `- Limit: (must be a whole number from 1 to 100|is (number|string), must be integer)\n`, got.Content[0].Text)
			}
		}
	}
}

// Definitions are read by a model in every conversation.
func TestDefinitionsAreShort(t *testing.T) {
	r := newReader(t, newFake(t, fake.Config{}))
	for name, tool := range r.server.ListTools() {
		with, err := json.Marshal(tool.Tool)
		require.NoError(t, err)
		tool.Tool.RawOutputSchema = nil
		without, err := json.Marshal(tool.Tool)
		require.NoError(t, err)
		t.Log(name, len(without), len(with))
		require.LessOrEqual(t, len(without), 1500, name)
		require.LessOrEqual(t, len(with), 2700, name)
	}
}

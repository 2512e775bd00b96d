package send

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A bench is the tool over a real client, a ledger in memory and an upstream on
// loopback.
type bench struct {
	*Sender
	t      testing.TB
	log    *lockedLog
	tools  *tools.Tools
	handle server.ToolHandlerFunc // as mcp-go has it registered
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newBench lets the test change the configuration first.
func newBench(t testing.TB, upstream http.Handler, change func(*Config)) *bench {
	server := httptest.NewServer(upstream)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	log := &lockedLog{}
	c := Config{
		Client:          &twilio.Client{BaseURL: server.URL, Username: fake.AccountSid, Password: "secret", Timeout: time.Minute},
		Ledger:          &ledger.Ledger{Memory: true},
		Account:         fake.AccountSid,
		Host:            server.URL,
		DuplicateWindow: 2 * time.Minute,
		Log:             slog.New(slog.NewTextHandler(log, nil)),
	}
	memory := c.Ledger
	t.Cleanup(func() { memory.Close() })
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	require.NoError(t, err)
	b := &bench{Sender: s, t: t, log: log}
	b.offer(s.Definition(), false)
	return b
}

// offer registers a tool, which is then what a transport calls.
func (b *bench) offer(definition tools.Definition[schema.CreateMessageInteraction, schema.MessageInteraction], fake bool) {
	b.t.Helper()
	b.tools = &tools.Tools{Deadline: b.Deadline, Log: b.Log, Fake: fake}
	require.NoError(b.t, tools.Add(b.tools, definition))
	mcpServer := server.NewMCPServer("test", "0")
	b.tools.Register(mcpServer)
	b.handle = mcpServer.GetTool(Name).Handler
}

var serviceSid = schema.MustSid[schema.KS](fake.ServiceSid)

func newFake(t testing.TB) *fake.Fake {
	f := fake.New(fake.Config{})
	t.Cleanup(func() { f.Close() })
	return f
}

// An answered is a tools/call result as a client reads it.
type answered struct {
	Meta struct {
		Outcome tools.Outcome `json:"twilio-proxy-mcp/outcome"`
	} `json:"_meta"`
	Content    []struct{ Type, Text string }
	Structured map[string]any `json:"structuredContent"`
	IsError    bool
}

func (a answered) outcome() tools.Outcome { return a.Meta.Outcome }

// receipt is the structured content without the notice.
func (a answered) receipt() map[string]any {
	receipt := maps.Clone(a.Structured)
	delete(receipt, "notice")
	return receipt
}

func (a answered) text() string {
	var all string
	for _, c := range a.Content {
		all += c.Text + "\n"
	}
	return all
}

func arguments(body string) json.RawMessage {
	encoded, _ := json.Marshal(map[string]string{
		"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid, "Body": body,
	})
	return encoded
}

func (b *bench) send(body string) answered { return b.call(arguments(body), "") }

func (b *bench) call(arguments json.RawMessage, meta string) answered {
	b.t.Helper()
	encoded := b.callIn(b.t.Context(), arguments, meta)
	var a answered
	require.NoError(b.t, json.Unmarshal(encoded, &a), string(encoded))
	return a
}

func (b *bench) callIn(ctx context.Context, arguments json.RawMessage, meta string) []byte {
	b.t.Helper()
	request := mcp.CallToolRequest{Params: mcp.CallToolParams{Name: Name, RawArguments: arguments}}
	if meta != "" {
		require.NoError(b.t, json.Unmarshal([]byte(meta), &request.Params.Meta))
	}
	result, err := b.handle(ctx, request)
	require.NoError(b.t, err)
	encoded, err := json.Marshal(result)
	require.NoError(b.t, err)
	return encoded
}

// state is what the ledger holds about the last send.
func (b *bench) state() ledger.State {
	b.t.Helper()
	entries, err := b.Ledger.History(b.t.Context(), ledger.Filter{Limit: 1})
	require.NoError(b.t, err)
	require.Len(b.t, entries, 1)
	return entries[0].State
}

// entry is the one that an outcome names.
func (b *bench) entry(o tools.Outcome) ledger.Entry {
	b.t.Helper()
	var id ledger.ID
	require.NoError(b.t, id.UnmarshalText([]byte(o.LedgerID)))
	require.True(b.t, id.Proven(), o.LedgerID)
	found, err := b.Ledger.Entry(b.t.Context(), id)
	require.NoError(b.t, err)
	return found
}

// lockFile keeps everybody else from writing to a ledger's file, as a program
// does that has it open in a transaction, until unlock is called.
func lockFile(t testing.TB, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	unlock = sync.OnceFunc(func() { conn.Close(); db.Close() })
	t.Cleanup(unlock)
	return unlock
}

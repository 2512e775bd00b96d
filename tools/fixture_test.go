package tools

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A bench is the tools over a real client, a ledger in memory and an upstream
// on loopback.
type bench struct {
	*Tools
	t   testing.TB
	log *lockedLog
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
	tools, err := New(c)
	require.NoError(t, err)
	return &bench{Tools: tools, t: t, log: log}
}

func newFake(t testing.TB) *fake.Fake {
	f := fake.New(fake.Config{})
	t.Cleanup(func() { f.Close() })
	return f
}

// An answered is a tools/call result as a client reads it.
type answered struct {
	Meta struct {
		Outcome Outcome `json:"twilio-proxy-mcp/outcome"`
	} `json:"_meta"`
	Content    []struct{ Type, Text string }
	Structured map[string]any `json:"structuredContent"`
	IsError    bool
}

func (a answered) outcome() Outcome { return a.Meta.Outcome }

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
	var raw json.RawMessage
	if meta != "" {
		raw = json.RawMessage(meta)
	}
	encoded, ours := b.Call(b.t.Context(), sendName, arguments, raw)
	require.True(b.t, ours)
	var a answered
	require.NoError(b.t, json.Unmarshal(encoded, &a), string(encoded))
	return a
}

// state is what the ledger holds about the last send.
func (b *bench) state() ledger.State {
	b.t.Helper()
	entries, err := b.Ledger.History(b.t.Context(), ledger.Filter{Limit: 1})
	require.NoError(b.t, err)
	require.Len(b.t, entries, 1)
	return entries[0].State
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

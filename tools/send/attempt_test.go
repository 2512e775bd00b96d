package send

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// A send that nobody answers leaves time to record that and to look.
func TestASilentSendLeavesTimeToLook(t *testing.T) {
	f := newFake(t)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectHangAfter}))
	b := newBench(t, f, func(c *Config) { c.Deadline = 2 * time.Second })
	got := b.send("hello")
	require.True(t, got.outcome().Reconciled, got.text())
	require.Equal(t, ledger.Sent, b.state())
}

// A caller who leaves once the request is on its way does not stop what is
// recorded of it, nor the look for it.
func TestACallersLeaveStopsNoRecord(t *testing.T) {
	for effect, state := range map[fake.Effect]ledger.State{fake.EffectDelay: ledger.Sent, fake.EffectDropAfter: ledger.Sent, fake.EffectDropBefore: ledger.Unknown} {
		t.Run(string(effect), func(t *testing.T) {
			f := newFake(t)
			require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: effect}))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					cancel()
				}
				f.ServeHTTP(w, r)
			}), nil)
			b.callIn(ctx, arguments("hello"), "")
			require.Equal(t, state, b.state())
			require.Equal(t, effect != fake.EffectDelay, len(f.Requests()) > 1, "looked for where there was no answer")
		})
	}
}

// What could not be recorded as unknown stands as claimed, so that no message
// that is found could be recorded as its either: nobody looks.
func TestNoLookWhereTheLedgerFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	f := newFake(t)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			refuseUpdates(t, path)
		}
		f.ServeHTTP(w, r)
	}), func(c *Config) {
		c.Ledger = &ledger.Ledger{Path: path}
		t.Cleanup(func() { c.Ledger.Close() })
	})
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent)
	require.Equal(t, ledger.Claimed, b.state())
	require.Len(t, f.Requests(), 1)
}

// refuseUpdates makes the ledger fail, at once, to settle anything.
func refuseUpdates(t testing.TB, path string) {
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TRIGGER refused BEFORE UPDATE ON twilio_proxy_mcp_sends BEGIN SELECT RAISE(ABORT, 'refused'); END")
	require.NoError(t, err)
}

// Twilio gives one SID to two messages: both went out, and both are recorded.
func TestTwoMessagesUnderOneSid(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"sid":"KI`+strings.Repeat("a", 32)+`"}`)
	}), nil)
	for _, body := range []string{"one", "two"} {
		got := b.send(body)
		require.Equal(t, tools.CodeSent, got.outcome().Code)
		require.NotContains(t, got.text(), "Warning")
		require.Equal(t, ledger.Sent, b.state())
		again := b.send(body)
		require.True(t, again.outcome().Replayed)
		if body == "one" {
			require.NotNil(t, got.Structured["sid"])
			continue
		}
		require.Nil(t, got.Structured["sid"], "it is the first one's")
		require.Contains(t, got.outcome().Misfits, "sid")
		require.Nil(t, again.Structured["sid"])
		require.Contains(t, again.text(), "its receipt is not known")
	}
}

package send

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// inFile keeps the ledger in a file, which a test can reach past the ledger.
func inFile(t testing.TB, path string) func(*Config) {
	return func(c *Config) {
		l := &ledger.Ledger{Path: path}
		c.Ledger = l
		t.Cleanup(func() { l.Close() })
	}
}

func execute(t testing.TB, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	require.NoError(t, err)
}

// The ledger drops data as well. Neither of the two may rely on the other.
func TestTheStoredReceiptIsWithoutTheMessage(t *testing.T) {
	data := `{"body":"a private word"}`
	require.NotContains(t, string(stored(schema.MessageInteraction{Data: &data})), "private")

	for _, effect := range []fake.Effect{fake.EffectDelay, fake.EffectDropAfter} { // answered, and found by a look
		f := newFake(t)
		require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: effect}))
		path := filepath.Join(t.TempDir(), "ledger.db")
		b := newBench(t, f, inFile(t, path))
		require.Contains(t, b.send("a private word").Structured["data"], "private", "the caller gets it")
		entries, err := b.Ledger.History(t.Context(), ledger.Filter{})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Contains(t, string(entries[0].Receipt), `"sid"`)
		require.NotContains(t, string(entries[0].Receipt), "private")
		require.NoError(t, b.Ledger.Close())
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(kept), "private")
	}
}

// afterTheGrant does something to the ledger between the grant and the request.
func (b *bench) afterTheGrant(do func(*ledger.Claim)) {
	definition := b.Definition()
	definition.Run = func(ctx context.Context, call *tools.Call, request schema.CreateMessageInteraction) (schema.MessageInteraction, error) {
		d := &delivery{Sender: b.Sender, call: call, request: request}
		decision, refusal := d.claim(ctx)
		if refusal != nil {
			return failed(refusal)
		}
		do(decision.Claim)
		return d.attempt(ctx, decision.Claim, unsettled{Entry: decision.Entry})
	}
	b.offer(definition, false)
}

func TestNothingIsSentOnALostClaim(t *testing.T) {
	f := newFake(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	b := newBench(t, f, inFile(t, path))
	var id ledger.ID
	b.afterTheGrant(func(c *ledger.Claim) { // as another process does that takes this one for dead
		id = c.ID
		execute(t, path, "UPDATE twilio_proxy_mcp_sends SET state = 'unknown'")
	})
	got := b.send("hello")
	require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, LedgerID: id.String()}, got.outcome())
	require.Contains(t, got.text(), "its right to send this message had been taken back")
	requireOneWord(t, got)
	require.Empty(t, f.Requests())
}

func TestNothingIsSentWhenTheLedgerIsLostAfterTheGrant(t *testing.T) {
	f := newFake(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	b := newBench(t, f, inFile(t, path))
	var id ledger.ID
	b.afterTheGrant(func(c *ledger.Claim) {
		id = c.ID
		require.NoError(t, os.Rename(path, path+".away"))
	})
	got := b.send("hello")
	require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, LedgerID: id.String()}, got.outcome())
	require.Contains(t, got.text(), "The ledger, in which every send is recorded before it is made, cannot be reached")
	requireOneWord(t, got)
	require.Empty(t, f.Requests())
}

// A receipt is worth more than its record: the call is a success, and warns.
func TestAMessageThatCouldNotBeRecordedIsASuccessWithAWarning(t *testing.T) {
	f := newFake(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuseUpdates(t, path)
		f.ServeHTTP(w, r)
	}), inFile(t, path))
	got := b.send("hello")
	require.False(t, got.IsError, got.text())
	require.Equal(t, tools.CodeSent, got.outcome().Code)
	require.Equal(t, tools.SentYes, got.outcome().Sent)
	require.NotEmpty(t, got.Structured["sid"])
	require.Contains(t, got.text(), "the message was sent, but this server could not record that")
	require.Contains(t, b.log.String(), "the ledger could not be settled")
	require.Equal(t, ledger.Claimed, b.state())
	require.Equal(t, 1, f.Accepted())
}

// The look at an unresolved message, once begun, ends without its caller, too.
func TestACallersLeaveStopsNoLookForAnEarlierSend(t *testing.T) {
	f := newFake(t)
	leave := func() {}
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave()
		f.ServeHTTP(w, r)
	}), nil)
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropAfter},
		fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: http.StatusForbidden}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.send("hello").outcome().Code)
	require.Equal(t, ledger.Unknown, b.state())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leave = cancel
	require.Contains(t, string(b.callIn(ctx, arguments("hello"), "")), `"reconciled":true`)
	require.Error(t, ctx.Err())
	require.Equal(t, ledger.Sent, b.state())
}

// With it, Twilio's support can find a request of which nobody knows more.
func TestAnUnknownOutcomeKeepsTwiliosRequestID(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: http.StatusInternalServerError}))
	got := b.send("hello").outcome()
	require.Equal(t, tools.CodeOutcomeUnknown, got.Code)
	require.Regexp(t, "^RQ[0-9a-f]{32}$", got.RequestID)
	require.Equal(t, got.RequestID, b.entry(got).RequestID)
}

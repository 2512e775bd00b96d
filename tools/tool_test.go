package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

var update = flag.Bool("update", false, "rewrite testdata")

// The definition is what models read: it changes on purpose only. A token is
// about four bytes, and 1,200 are what every conversation pays.
func TestDefinitions(t *testing.T) {
	b := newBench(t, newFake(t), nil)
	compact, err := json.Marshal(b.Definitions())
	require.NoError(t, err)
	require.LessOrEqual(t, len(compact)/4, 1200)
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, compact, "", "  "))
	indented.WriteByte('\n')
	const golden = "testdata/definitions.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, indented.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), indented.String(), "run go test ./tools -update if that is meant")
}

// A panic after the request: nobody knows what went out, the answer says so
// without its text, and the next call finds the message.
func TestPanicWhileSending(t *testing.T) {
	f := newFake(t)
	panics := true
	b := newBench(t, f, func(c *Config) {
		c.Client.Observe = func(twilio.Exchange) {
			if panics {
				panic("a private word")
			}
		}
	})
	got := b.send("hello")
	require.Equal(t, Outcome{Code: CodeInternal, Sent: SentUnknown}, got.outcome())
	require.True(t, got.IsError)
	require.NotContains(t, got.text()+b.log.String(), "private")
	require.Contains(t, b.log.String(), "panic in a tool")
	require.Equal(t, ledger.Unknown, b.state())
	panics = false
	require.True(t, b.send("hello").outcome().Reconciled)
	require.Equal(t, 1, f.Accepted())
}

// A panic before the function began: nothing can have been sent.
func TestPanicBeforeSending(t *testing.T) {
	b := newBench(t, newFake(t), nil)
	b.byName[sendName].input = nil // the validator, which is asked about a MediaUrl
	withMedia := strings.Replace(string(arguments("hello")), "{", `{"MediaUrl":[],`, 1)
	require.Equal(t, Outcome{Code: CodeInternal, Sent: SentNo}, b.call(json.RawMessage(withMedia), "").outcome())
}

// An answer that does not fit the published schema is still a success.
func TestMisfits(t *testing.T) {
	long := strings.Repeat("x", 1000)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"sid":5,"type":"pigeon","url":{"a":"` + long + `"},"data":null,"outbound_resource_status":"teleported"}`))
	}), nil)
	got := b.send("hello")
	require.Equal(t, CodeSent, got.outcome().Code)
	require.False(t, got.IsError)
	require.Nil(t, got.Structured["sid"])
	require.Equal(t, "unknown", got.Structured["type"])
	require.Equal(t, "unknown", got.Structured["outbound_resource_status"])
	misfits := got.outcome().Misfits
	require.Equal(t, "5", misfits["sid"])
	require.Equal(t, `"teleported"`, misfits["outbound_resource_status"])
	require.Len(t, misfits["url"], 203)
	require.Contains(t, b.log.String(), "misfit=sid")
	require.NotContains(t, b.log.String(), "pigeon")
}

func TestReplay(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	first := b.send("1 < 2 & \"so\"")
	again := b.send("1 < 2 & \"so\"")
	require.Equal(t, first.Structured, again.Structured, "data included, which is not stored")
	require.True(t, again.outcome().Replayed)
	require.Less(t, *again.outcome().AgeSeconds, int64(100))
	require.Equal(t, first.outcome().LedgerID, again.outcome().LedgerID)
	require.Equal(t, first.outcome().RequestID, again.outcome().RequestID)
	require.Regexp(t, `^Nothing was sent again: this message already went out \d\d? seconds ago, at .*Z, and this is its receipt\. The same message may be sent again on purpose from .*Z on, in (1[012]\d|[2-9]\d) seconds\.$`, again.Content[0].Text)
	require.Equal(t, 1, f.Accepted())

	keyed := `{"twilio-proxy-mcp/idempotency-key":"k"}`
	require.False(t, b.call(arguments("keyed"), keyed).outcome().Replayed)
	require.Regexp(t, `A second message with this text needs another idempotency key\.$`, b.call(arguments("keyed"), keyed).Content[0].Text)
}

func TestIdempotencyKeys(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	for meta, problem := range map[string]string{
		`{"twilio-proxy-mcp/idempotency-key":""}`:                                         "has 0 characters, must have 1 to 255",
		`{"twilio-proxy-mcp/idempotency-key":"` + strings.Repeat("é", 256) + `"}`:         "has 256 characters, must have 1 to 255",
		`{"twilio-proxy-mcp/idempotency-key":5}`:                                          "must be a string of 1 to 255 characters",
		`{"twilio-proxy-mcp/idempotency-key":null}`:                                       "must be a string of 1 to 255 characters",
		`{"twilio-proxy-mcp/idempotency-key":["a"]}`:                                      "must be a string of 1 to 255 characters",
		`{"twilio-proxy-mcp/idempotency-key":"a","twilio-proxy-mcp/idempotency-key":"b"}`: "cannot be read",
		`[]`: "cannot be read",
	} {
		got := b.call(arguments("hello"), meta)
		require.Equal(t, Outcome{Code: CodeInvalidArguments, Sent: SentNo}, got.outcome(), meta)
		require.Contains(t, got.text(), problem)
		requireOneWord(t, got)
	}
	require.Zero(t, f.Accepted())
	for _, meta := range []string{`{}`, `null`, `{"twilio-proxy-mcp/idempotency-key":"` + strings.Repeat("é", 255) + `"}`, `{"other":1}`} {
		require.Equal(t, CodeSent, b.call(arguments("hello "+meta), meta).outcome().Code, meta)
	}
}

// Why the ledger could not be used, in words; and in every one nothing is sent.
func TestLedgerReasons(t *testing.T) {
	for reason, words := range map[ledger.Reason]string{
		ledger.Full: "is full", ledger.ReadOnly: "cannot be written", ledger.Locked: "is in use by other processes of this server or by another program", ledger.Corrupt: "is damaged",
		ledger.Gone: "cannot be reached", ledger.TooNew: "was made by a newer version", ledger.OtherFail: "could not be used",
	} {
		r := notRecorded(&ledger.UnavailableError{Reason: reason, Err: errors.New("private")})
		require.Equal(t, Outcome{Code: CodeTryLater, Sent: SentNo}, r.outcome)
		require.Contains(t, r.first, words)
		require.Contains(t, r.first, "Nothing was sent.")
		require.Contains(t, r.first, "an earlier call")
		require.NotContains(t, r.first, "private")
	}
	require.Equal(t, SentUnknown, notRecorded(ledger.ErrInProgress).outcome.Sent)
	require.Equal(t, SentNo, notRecorded(ledger.ErrClosed).outcome.Sent)
	require.Equal(t, Outcome{Code: CodeTryLater, Sent: SentNo}, claimLost().outcome)
}

// Both ways out write the same result.
func TestEncodings(t *testing.T) {
	for name, r := range map[string]result{
		"success": {outcome: Outcome{Code: CodeSent, Sent: SentYes, Replayed: true, AgeSeconds: new(int64)}, value: &schema.MessageInteraction{Data: new("<&>")}, first: "first", notes: []string{"note"}},
		"fake":    {outcome: Outcome{Code: CodeSent, Sent: SentYes}, value: &schema.MessageInteraction{}, fake: true},
		"error":   failure(Outcome{Code: CodeRefused, Sent: SentNo, HTTPStatus: 400, TwilioCode: 80607}, "Happened \xff.", "Next."),
	} {
		library, err := json.Marshal(r.forLibrary())
		require.NoError(t, err)
		require.JSONEq(t, string(library), string(r.encode()), name)
		require.True(t, json.Valid(r.encode()))
	}
}

func TestLongBodiesAreRefused(t *testing.T) {
	b := newBench(t, newFake(t), func(c *Config) { c.MaxBodyLength, c.Fake = 5, true })
	got := b.send("ééééé")
	require.Equal(t, CodeSent, got.outcome().Code)
	require.Equal(t, "fake", got.outcome().Backend)
	require.Contains(t, got.text(), fakeNote)
	got = b.send("éééééé")
	require.Equal(t, CodeInvalidArguments, got.outcome().Code)
	require.Contains(t, got.text(), "has 6 characters, at most 5 are allowed")
	_, ours := b.Call(t.Context(), "another_tool", nil, nil)
	require.False(t, ours)
}

// Without a ledger a repeat is a second message.
func TestWithoutALedger(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Ledger = nil })
	for range 2 {
		require.Equal(t, Outcome{Code: CodeSent, Sent: SentYes}, Outcome{Code: b.send("hello").outcome().Code, Sent: SentYes})
	}
	require.Equal(t, 2, f.Accepted())
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	require.Equal(t, SentUnknown, b.send("hello").outcome().Sent)
}

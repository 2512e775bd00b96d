package send

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

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

var update = flag.Bool("update", false, "rewrite testdata")

// The definition is what models read: it changes on purpose only. A token is
// about four bytes, and 1,200 are what every conversation pays.
func TestDefinitions(t *testing.T) {
	b := newBench(t, newFake(t), func(c *Config) { c.MaxBodyLength = 1600 }) // the flag's default
	compact, err := json.Marshal(b.tools.Definitions())
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
	require.Equal(t, string(want), indented.String(), "run go test ./tools/send -update if that is meant")
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
	require.Equal(t, tools.Outcome{Code: tools.CodeInternal, Sent: tools.SentUnknown}, got.outcome())
	require.True(t, got.IsError)
	require.NotContains(t, got.text()+b.log.String(), "private")
	require.Contains(t, b.log.String(), "panic in a tool")
	require.Equal(t, ledger.Unknown, b.state())
	panics = false
	require.True(t, b.send("hello").outcome().Reconciled)
	require.Equal(t, 1, f.Accepted())
}

// An answer that does not fit the published schema is still a success.
func TestMisfits(t *testing.T) {
	long := strings.Repeat("x", 1000)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"sid":5,"type":"pigeon","url":{"a":"` + long + `"},"data":null,"outbound_resource_status":"teleported"}`))
	}), nil)
	got := b.send("hello")
	require.Equal(t, tools.CodeSent, got.outcome().Code)
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
	require.Equal(t, first.receipt(), again.receipt(), "data included, which is not stored")
	require.True(t, again.outcome().Replayed)
	require.Less(t, *again.outcome().AgeSeconds, int64(100))
	require.Equal(t, first.outcome().LedgerID, again.outcome().LedgerID)
	require.Equal(t, first.outcome().RequestID, again.outcome().RequestID)
	require.Regexp(t, `^This message already went out \d\d? seconds ago, at .*Z: nothing was sent again, and this is its receipt\. The same message may be sent again on purpose from .*Z on, in (1[012]\d|[2-9]\d) seconds\.$`, again.Content[0].Text)
	require.Equal(t, again.Content[0].Text, again.Structured["notice"], "some hosts show the model the structured content alone")
	require.NotContains(t, first.Structured, "notice", "there is nothing to say")
	require.Len(t, first.Structured, 20)
	require.Equal(t, 1, f.Accepted())

	keyed := `{"twilio-proxy-mcp/idempotency-key":"k"}`
	require.False(t, b.call(arguments("keyed"), keyed).outcome().Replayed)
	require.Regexp(t, `A second message with this text needs another idempotency key\.$`, b.call(arguments("keyed"), keyed).Content[0].Text)
}

func TestIdempotencyKeys(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	for meta, problem := range map[string]string{
		`{"twilio-proxy-mcp/idempotency-key":""}`:                                 "has 0 characters, must have 1 to 255",
		`{"twilio-proxy-mcp/idempotency-key":"` + strings.Repeat("é", 256) + `"}`: "has 256 characters, must have 1 to 255",
		`{"twilio-proxy-mcp/idempotency-key":5}`:                                  "must be a string of 1 to 255 characters",
		`{"twilio-proxy-mcp/idempotency-key":null}`:                               "must be a string of 1 to 255 characters",
		`{"twilio-proxy-mcp/idempotency-key":["a"]}`:                              "must be a string of 1 to 255 characters",
	} {
		got := b.call(arguments("hello"), meta)
		require.Equal(t, tools.Outcome{Code: tools.CodeInvalidArguments, Sent: tools.SentNo}, got.outcome(), meta)
		require.Contains(t, got.text(), problem)
		requireOneWord(t, got)
	}
	require.Zero(t, f.Accepted())
	for _, meta := range []string{`{}`, `null`, `{"twilio-proxy-mcp/idempotency-key":"` + strings.Repeat("é", 255) + `"}`, `{"other":1}`} {
		require.Equal(t, tools.CodeSent, b.call(arguments("hello "+meta), meta).outcome().Code, meta)
	}
}

// A caller that misspelled the key believes that it named its intention. Keys of others are none of our business.
func TestAMisspelledIdempotencyKeyIsNotIgnored(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	for _, name := range []string{
		"Twilio-Proxy-MCP/Idempotency-Key", "TWILIO-PROXY-MCP/IDEMPOTENCY-KEY", "twilio-proxy-mcp/idempotencyKey", "twilio-proxy-mcp/Idempotency-key",
		" twilio-proxy-mcp/idempotency-key", "twilio-proxy-mcp/idempotency-key ", "twilio-proxy-mcp/ idempotency-key", "twilio-proxy-mcp/idempotency-key\u200b",
		"twilio_proxy_mcp/idempotency_key", "twilio-proxy-mcp/idempotency_key", "twilio-proxy-mcp.idempotency-key", "twilio-proxy-mcp:idempotency-key", "twilioProxyMcp/idempotencyKey",
		"twilio-proxy-mcp/idempotency", "twilio-proxy-mcp/idempotancy-key", "twilio-proxy-mcp/key", "twilio-proxy-mcp/", "twilio-proxy-mcp", "twilio-proxy-mcp/outcome",
		"twilio-proxy/idempotency-key", "twillio-proxy-mcp/idempotency-key", "twilio/idempotencyKey", "com.twilio-proxy-mcp/idempotency-key", "proxy-mcp/idempotency-key",
	} {
		for _, meta := range []string{`{"` + name + `":"k"}`, `{"twilio-proxy-mcp/idempotency-key":"k","` + name + `":"k"}`, `{"` + name + `":null,"other":1}`} {
			got := b.call(arguments("hello"), meta)
			require.Equal(t, tools.Outcome{Code: tools.CodeInvalidArguments, Sent: tools.SentNo}, got.outcome(), meta)
			require.Contains(t, got.text(), `"twilio-proxy-mcp/idempotency-key"`, meta)
			requireOneWord(t, got)
		}
	}
	require.Zero(t, f.Accepted())
	for _, name := range []string{"idempotency-key", "com.example/idempotency-key", "io.modelcontextprotocol/x", "traceparent", "progressToken", "twilio/x", "com.twilio/region", "com.twilio/idempotency-key", "com.example.twilio/idempotencyKey", "com.example.proxy-mcp/idempotency-key", "example-twilio/idempotency-key", "twilio.example/idempotency-key", "twilio-proxy-mcp/" + strings.Repeat("x", 100), "vscode.requestId", "x/twilio-proxy-mcp", "key"} {
		require.Equal(t, tools.CodeSent, b.call(arguments("hello "+name), `{"`+name+`":"k"}`).outcome().Code, name)
	}
}

// Why the ledger could not be used, in words; and in every one nothing is sent.
func TestLedgerReasons(t *testing.T) {
	for reason, words := range map[ledger.Reason]string{
		ledger.Full: "is full", ledger.ReadOnly: "cannot be written", ledger.Locked: "is in use by other processes of this server or by another program", ledger.Corrupt: "is damaged",
		ledger.Gone: "cannot be reached", ledger.TooNew: "was made by a newer version", ledger.OtherFail: "could not be used",
	} {
		r := notRecorded(&ledger.UnavailableError{Reason: reason, Err: errors.New("private")})
		require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, r.Outcome)
		require.Contains(t, r.Error(), words)
		require.Contains(t, r.Error(), "Nothing was sent.")
		require.Contains(t, r.Error(), "an earlier call")
		require.NotContains(t, r.Error(), "private")
	}
	require.Equal(t, tools.SentUnknown, notRecorded(ledger.ErrInProgress).Outcome.Sent)
	require.Equal(t, tools.SentNo, notRecorded(ledger.ErrClosed).Outcome.Sent)
	require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, claimLost().Outcome)
}

func TestLongBodiesAreRefused(t *testing.T) {
	b := newBench(t, newFake(t), func(c *Config) { c.MaxBodyLength = 5 })
	b.offer(b.Definition(), true)
	got := b.send("ééééé")
	require.Equal(t, tools.CodeSent, got.outcome().Code)
	require.Equal(t, "fake", got.outcome().Backend)
	require.Contains(t, got.text(), "This server runs on its built-in fake of Twilio Proxy: no real person was texted.")
	got = b.send("éééééé")
	require.Equal(t, tools.Outcome{Code: tools.CodeInvalidArguments, Sent: tools.SentNo, Backend: "fake"}, got.outcome())
	require.Contains(t, got.text(), "Body: has 6 characters, must have at most 5")
	definition, err := json.Marshal(b.tools.Definitions())
	require.NoError(t, err)
	require.Contains(t, string(definition), `"maxLength":5`, "what is enforced is published")

	b = newBench(t, newFake(t), func(c *Config) { c.MaxBodyLength = 0 })
	require.Equal(t, tools.CodeSent, b.send(strings.Repeat("é", 5000)).outcome().Code)
	definition, err = json.Marshal(b.tools.Definitions())
	require.NoError(t, err)
	require.NotContains(t, string(definition), `At most`)
}

// Without a ledger a repeat is a second message.
func TestWithoutALedger(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Ledger = nil })
	for range 2 {
		require.Equal(t, tools.Outcome{Code: tools.CodeSent, Sent: tools.SentYes}, tools.Outcome{Code: b.send("hello").outcome().Code, Sent: tools.SentYes})
	}
	require.Equal(t, 2, f.Accepted())
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	require.Equal(t, tools.SentUnknown, b.send("hello").outcome().Sent)
}

package send

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// statusServer answers a send with any status, also with those that net/http
// would not write, and knows no interactions. A 429 asks for a longer wait than
// a call has.
func statusServer(status *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		body := `{"code":20001,"message":"Nothing was sent","status":400}` // nobody believes it
		fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Length: %d\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 60\r\n\r\n%s", *status, len(body), body)
	})
}

// Every status there is: what is said of the message is what the status means,
// in _meta, in the text, in the error flag and in the ledger.
func TestEveryStatusIsToldAsItIs(t *testing.T) {
	var status int
	b := newBench(t, statusServer(&status), nil)
	for status = 100; status <= 599; status++ {
		if status >= 102 && status <= 199 && status != 103 && status != 199 {
			continue // all the same: not the last answer, and none follows
		}
		want, state := tools.Outcome{Code: tools.CodeOutcomeUnknown, Sent: tools.SentUnknown}, ledger.Unknown
		switch {
		case status >= 200 && status <= 299:
			want, state = tools.Outcome{Code: tools.CodeSent, Sent: tools.SentYes}, ledger.Sent
		case status == 429:
			want, state = tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, ledger.NotSent
		case status >= 300 && status <= 499 && status != 408:
			want, state = tools.Outcome{Code: tools.CodeRefused, Sent: tools.SentNo}, ledger.Refused
		}
		got := b.send(fmt.Sprintf("message %d", status))
		require.Equal(t, want, tools.Outcome{Code: got.outcome().Code, Sent: got.outcome().Sent}, "%d: %s", status, got.text())
		require.Equal(t, state, b.state(), status)
		require.Equal(t, want.Sent != tools.SentYes, got.IsError, status)
		requireOneWord(t, got)
	}
}

// requireOneWord holds the text to _meta: it says exactly one thing about the
// message, in a sentence of ours and not in one that it quotes.
func requireOneWord(t *testing.T, got answered) {
	t.Helper()
	own := got.text()
	if i := strings.Index(own, "quoted as data: "); i >= 0 {
		rest := own[i:]
		own = own[:i] + rest[strings.Index(rest[len(`quoted as data: "`):], `"`)+len(`quoted as data: "`):]
	}
	sent := got.outcome().Sent
	require.Equal(t, got.IsError && sent == tools.SentNo, strings.Contains(own, "Nothing was sent."), own)
	require.Equal(t, sent == tools.SentUnknown, strings.Contains(own, "Whether the message was sent is unknown."), own)
	if sent == tools.SentUnknown {
		require.NotContains(t, strings.ToLower(own), "not sent.")
		require.NotContains(t, strings.ToLower(own), "nothing was")
		require.NotContains(t, own, "may be made again")
	}
}

// Every fault of the fake: "no" is only said where nothing was accepted, "yes"
// where one was.
func TestEveryFaultIsToldAsItIs(t *testing.T) {
	f := newFake(t)
	for _, withLedger := range []bool{true, false} {
		b := newBench(t, f, func(c *Config) {
			c.Client.Timeout = 2 * time.Second // for the silent ones; the others answer at once
			c.Deadline = 20 * time.Second
			if !withLedger {
				c.Ledger = nil
			}
		})
		for _, effect := range []fake.Effect{fake.EffectStatus, fake.EffectDelay, fake.EffectDropBefore, fake.EffectDropAfter, fake.EffectTruncate,
			fake.EffectHTML, fake.EffectPortal, fake.EffectSwap, fake.EffectErrorAfter, fake.EffectHang, fake.EffectHangAfter} {
			for _, status := range []int{200, 400, 401, 404, 408, 429, 500, 503} {
				if effect == fake.EffectErrorAfter && status < 500 && status != 408 {
					continue // Twilio says of these that nothing was done
				}
				before := f.Accepted()
				fault := fake.Fault{Operation: "CreateMessageInteraction", Effect: effect, Status: status, Delay: fake.Duration(10 * time.Millisecond)}
				require.NoError(t, f.SetFaults(fault))
				name := fmt.Sprintf("%s %d ledger %v", effect, status, withLedger)
				got := b.send(name)
				accepted := f.Accepted() - before
				require.LessOrEqual(t, accepted, 1, name)
				requireOneWord(t, got)
				switch claimed := effect == fake.EffectStatus && status == 200; got.outcome().Sent { // a 2xx is Twilio's word
				case tools.SentNo:
					require.Zero(t, accepted, name)
				case tools.SentYes:
					require.True(t, accepted == 1 || claimed, name)
				default:
					require.Equal(t, tools.CodeOutcomeUnknown, got.outcome().Code, name)
				}
				if effect == fake.EffectHang || effect == fake.EffectHangAfter || effect == fake.EffectDropBefore {
					break // no status in it
				}
			}
		}
	}
}

func TestACallAnswersWithinItsDeadline(t *testing.T) {
	f := newFake(t)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectHang, Times: 10})) // the list is silent too
	b := newBench(t, f, func(c *Config) { c.Client.Timeout, c.Deadline = time.Minute, 5*time.Second })
	began := time.Now()
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, ledger.Unknown, b.state())
}

func TestNothingPersonalIsLogged(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectStatus, Status: 400, Message: "The body 'a private word' to +15550001111 is not allowed"}))
	b.send("a private word")
	b.send("a private word")
	b.call(arguments("a private word"), `{"twilio-proxy-mcp/idempotency-key":"a private key"}`)
	require.NotContains(t, b.log.String(), "private")
	require.NotContains(t, b.log.String(), "+1555")
	require.Contains(t, b.log.String(), "interaction_sid=KIfa4e")
}

// What a person can do depends on where the record is kept.
func TestAnUnknownOutcomeNamesTheRecordThatThereIs(t *testing.T) {
	status := http.StatusInternalServerError
	inMemory := newBench(t, statusServer(&status), nil)
	inFile := newBench(t, statusServer(&status), func(c *Config) { c.Ledger = &ledger.Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")} })
	t.Cleanup(func() { inFile.Ledger.Close() })
	without := newBench(t, statusServer(&status), func(c *Config) { c.Ledger = nil })
	for range 2 { // the first time, and at a repeat
		require.Contains(t, inMemory.send("hello").text(), "is in this server's memory")
		require.NotContains(t, inMemory.send("hello").text(), "history")
		got := inFile.send("hello")
		require.Regexp(t, "^1-[a-z2-7]{5}$", got.outcome().LedgerID)
		require.Contains(t, got.text(), `"twilio-proxy-mcp history resolve `+got.outcome().LedgerID+` sent"`)
		require.Contains(t, inFile.log.String(), "ledger_id="+got.outcome().LedgerID+" ")
		require.NotContains(t, without.send("hello").text(), "history")
	}
}

func TestARedirectIsNotCalledARefusalOfTheMessage(t *testing.T) {
	status := http.StatusFound
	got := newBench(t, statusServer(&status), nil).send("hello")
	require.Equal(t, tools.CodeRefused, got.outcome().Code)
	require.Contains(t, got.text(), "a redirect (HTTP status 302), which is never followed")
	require.Contains(t, got.text(), "TWILIO_PROXY_BASE_URL")
}

// Before the TLS handshake has ended there is no connection.
func TestACallCancelledOnItsWayToAConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := newBench(t, newFake(t), func(c *Config) {
		c.Client = &twilio.Client{BaseURL: "https://" + listener.Addr().String(), Username: fake.AccountSid, Password: "secret"}
	})
	ctx, cancel := context.WithCancel(t.Context())
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		if conn, err := listener.Accept(); err == nil {
			defer conn.Close()
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	result := b.callIn(ctx, arguments("hello"), "")
	require.Contains(t, string(result), "The call was cancelled before there was a connection to Twilio. Nothing was sent.")
	require.NoError(t, listener.Close())
	<-accepting
}

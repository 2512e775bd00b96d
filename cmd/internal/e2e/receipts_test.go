package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// A changer is an upstream whose answer to the next send can be changed, after the
// fake has accepted the message.
type changer struct {
	*upstream
	mu   sync.Mutex
	next func(w http.ResponseWriter, answer []byte) // nil leaves the answer as it is
}

func (c *changer) change(next func(http.ResponseWriter, []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = next
}

func startChanger(t *testing.T) *changer {
	c := &changer{upstream: newUpstream(t)}
	c.server.Config.Handler = c
	c.server.Start()
	c.env[0] += c.server.URL
	return c
}

func (c *changer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	change := c.next
	if r.Method == http.MethodPost {
		c.next = nil
	}
	c.mu.Unlock()
	if r.Method != http.MethodPost || change == nil {
		c.upstream.ServeHTTP(w, r)
		return
	}
	recorded := httptest.NewRecorder()
	c.upstream.ServeHTTP(recorded, r)
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	change(w, recorded.Body.Bytes())
}

// swap answers with these fields of the receipt of another message.
func swap(other map[string]any, fields ...string) func(http.ResponseWriter, []byte) {
	return func(w http.ResponseWriter, answer []byte) {
		var receipt map[string]any
		if json.Unmarshal(answer, &receipt) != nil {
			panic("the fake's answer is no JSON object")
		}
		for _, field := range fields {
			receipt[field] = other[field]
		}
		json.NewEncoder(w).Encode(receipt)
	}
}

// cut answers with the first bytes alone.
func cut(w http.ResponseWriter, answer []byte) {
	w.Write(answer[:100])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// The first of two messages is accepted and answered with the receipt of a third. The second is not accepted at all. It
// must not be taken for sent, neither by what is left in the session's list nor by the interaction in that receipt.
func TestAReceiptOfAnotherMessageMakesNoFalseWord(t *testing.T) {
	t.Parallel()
	c := startChanger(t)
	env := environment(t, c.env...)
	server := start(t, env)
	require.Equal(t, sent(), server.send("its answer tells the server the upstream's clock").kind())
	elsewhere := map[string]any{"service_sid": "KS" + strings.Repeat("c", 32), "session_sid": "KC" + strings.Repeat("c", 32),
		"participant_sid": "KP" + strings.Repeat("c", 32), "data": `{"body":"a private word"}`, "sid": "KI" + strings.Repeat("c", 32), "url": "https://proxy.twilio.com/v1/KI" + strings.Repeat("c", 32)}
	all := []string{"service_sid", "session_sid", "participant_sid", "data", "sid", "url"}
	accepted := 1
	for _, tc := range []struct {
		name    string
		change  func(http.ResponseWriter, []byte)
		misfits []string
	}{
		{"service", swap(elsewhere, "service_sid"), []string{"service_sid"}},
		{"session", swap(elsewhere, "session_sid"), []string{"session_sid"}},
		{"participant", swap(elsewhere, "participant_sid"), []string{"participant_sid"}},
		{"service and SID", swap(elsewhere, "service_sid", "sid", "url"), []string{"service_sid"}},
		{"text", swap(elsewhere, "data"), []string{"data"}},
		{"its own SID", swap(elsewhere, "sid"), []string{"sid"}},
		{"text and SID", swap(elsewhere, "data", "sid", "url"), []string{"data"}},
		{"everything", swap(elsewhere, all...), all[:4]},
		{"cut off", cut, nil},
	} {
		body := "hello " + tc.name
		c.change(tc.change)
		first := server.wait(server.begin("tools/call", sendParams(body, keyed("one "+tc.name))))
		accepted++
		requireKnownFromTheRequestAlone(t, first, body, tc.misfits)
		entry := history(t, env)[0]
		require.Equal(t, ledger.Sent, entry.State)
		require.Empty(t, entry.Sid)
		require.Empty(t, entry.Receipt)

		c.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 503})
		got := server.wait(server.begin("tools/call", sendParams(body, keyed("two "+tc.name))))
		require.Equal(t, unknown(), got.kind(), "%s: %s", tc.name, got.text())
		require.Equal(t, accepted, c.Accepted())
		again := server.wait(server.begin("tools/call", sendParams(body, keyed("one "+tc.name))))
		require.Equal(t, replayed(), again.kind())
		require.Contains(t, again.text(), "its receipt is not known", tc.name)
	}
	require.NotContains(t, server.stderr.String(), "private")
	server.stop()
}

// The receipt is that of a message which another program sent a moment ago, to the other participant. The next message is
// equal to that one, and is not accepted.
func TestTheMessageOfAnEarlierReceiptIsNotTheNextOne(t *testing.T) {
	t.Parallel()
	c := startChanger(t)
	server := start(t, environment(t, c.env...))
	require.Equal(t, sent(), server.send("its answer tells the server the upstream's clock").kind())
	var theirs map[string]any
	c.do(t, "POST", c.server.URL+sessionPath+"/Participants/"+fake.OtherParticipantSid+"/MessageInteractions", url.Values{"Body": {"theirs"}}.Encode(), &theirs)
	c.change(func(w http.ResponseWriter, _ []byte) { json.NewEncoder(w).Encode(theirs) })
	requireKnownFromTheRequestAlone(t, server.send("ours"), "ours", []string{"participant_sid", "data"})
	c.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 503})
	params := sendParams("theirs", nil)
	params["arguments"].(map[string]any)["ParticipantSid"] = fake.OtherParticipantSid
	got := server.wait(server.begin("tools/call", params))
	require.Equal(t, unknown(), got.kind(), got.text())
	require.Equal(t, 3, c.Accepted())
	server.stop()
}

func keyed(key string) map[string]any {
	return map[string]any{"twilio-proxy-mcp/idempotency-key": key}
}

func requireKnownFromTheRequestAlone(t *testing.T, got answer, body string, misfits []string) {
	t.Helper()
	require.Equal(t, sent(), got.kind(), got.text())
	receipt := got.receipt(t)
	require.Nil(t, receipt["sid"])
	require.Nil(t, receipt["date_created"])
	require.Equal(t, fake.ServiceSid, receipt["service_sid"])
	require.Equal(t, fake.SessionSid, receipt["session_sid"])
	require.Equal(t, fake.ParticipantSid, receipt["participant_sid"])
	require.Equal(t, `{"body":"`+body+`"}`, receipt["data"])
	named := []string{}
	for field := range got.outcome().Misfits {
		named = append(named, field)
	}
	require.ElementsMatch(t, misfits, named)
	require.NotContains(t, got.text(), "private")
	if misfits != nil {
		require.Contains(t, got.text(), "Twilio accepted the message, but the receipt that came does not match it")
	}
}

// The fake's own fault for this.
func TestASwappedAnswer(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	server := start(t, environment(t, u.env...))
	u.arm(t, fake.Fault{Effect: fake.EffectSwap})
	requireKnownFromTheRequestAlone(t, server.send("hello"), "hello", []string{"service_sid", "session_sid", "participant_sid", "data"})
	u.arm(t, fake.Fault{Effect: fake.EffectDropAfter})
	u.arm(t, fake.Fault{Operation: "ListInteraction", Effect: fake.EffectSwap})
	require.Equal(t, unknown(), server.send("another").kind(), "the list is that of another session")
	require.Equal(t, reconciled(), server.send("another").kind())
	require.Equal(t, 2, u.Accepted())
	server.stop()
}

// While a captive portal is in the way, nothing is known of a message. Once it is gone, the message is looked for.
func TestALoginPageIsNoAcceptance(t *testing.T) {
	t.Parallel()
	c := startChanger(t)
	server := start(t, environment(t, c.env...))
	portal := func(times int) {
		require.NoError(t, c.SetFaults(fake.Fault{Effect: fake.EffectPortal, Times: times}))
	}
	portal(2) // the send and the look
	got := server.send("hello")
	require.Equal(t, unknown(), got.kind(), got.text())
	require.Contains(t, got.text(), "The answer was HTTP status 200, and it is not in the form of Twilio's API")
	require.NotContains(t, got.text(), "Log in")
	portal(1)
	require.Equal(t, unknown(), server.send("hello").kind(), "the page is no empty list")
	require.Equal(t, unknown(), server.send("hello").kind(), "the list without the message proves nothing either")
	require.Zero(t, c.Accepted())

	c.change(func(w http.ResponseWriter, _ []byte) { // as something in between does that spoils the answer of an accepted request
		clear(w.Header())
		w.Write([]byte("<html>Log in to this network</html>"))
	})
	require.Equal(t, reconciled(), server.send("spoiled").kind())
	require.Equal(t, 1, c.Accepted())
	server.stop()
}

package send

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// post sends a message past the tools, as another program does.
func post(t testing.TB, f *fake.Fake, body string) {
	r := httptest.NewRequest(http.MethodPost, "/v1/Services/"+fake.ServiceSid+"/Sessions/"+fake.SessionSid+"/Participants/"+fake.ParticipantSid+"/MessageInteractions",
		strings.NewReader(url.Values{"Body": {body}}.Encode()))
	r.SetBasicAuth(fake.AccountSid, "secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Equal(t, 2, w.Code/100, w.Body)
}

// A request begins with its last try: an equal message of another program's
// from before that is not ours.
func TestAMessageFromBeforeTheLastTryIsNotOurs(t *testing.T) {
	f := newFake(t)
	var first sync.Once
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		again := true
		if r.Method == http.MethodPost {
			first.Do(func() { again = false })
		}
		if !again {
			post(t, f, "hello")
			require.NoError(t, f.SetFaults(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropBefore}))
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		f.ServeHTTP(w, r)
	}), nil)
	b.clock.Set(f.Now().Truncate(time.Second))
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent, got.text())
	require.Equal(t, 1, f.Accepted())
}

// What the look tells of Twilio's clock is kept for whoever looks later.
func TestTheFirstLookRecordsTwiliosClock(t *testing.T) {
	f := newFake(t)
	f.Advance(5 * time.Minute)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropBefore}))
	began := f.Now()
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent, got.text())
	require.WithinRange(t, b.entry(got.outcome()).UpstreamBegun, began.Add(-twilio.ClockGrain-500*time.Millisecond), f.Now())
}

// An interaction that another entry has is not this one's, though it looks like it.
func TestAMessageThatIsKnownIsNotOurs(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	const key = `{"twilio-proxy-mcp/idempotency-key":"%"}`
	require.Equal(t, tools.CodeSent, b.call(arguments("hello"), strings.Replace(key, "%", "one", 1)).outcome().Code)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	got := b.call(arguments("hello"), strings.Replace(key, "%", "two", 1))
	require.True(t, got.outcome().Reconciled, "the other one is known, so that this is the only one: %s", got.text())
}

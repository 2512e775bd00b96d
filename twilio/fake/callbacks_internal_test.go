package fake

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The URL, parameters, token and signature are the example on Twilio's page on
// webhook security.
func TestSignature(t *testing.T) {
	hook := webhook{"https://mycompany.com/myapp.php?foo=1&bar=2", url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
		"From": {"+14158675309"}, "To": {"+18005551212"},
	}}
	require.Equal(t, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", signature("12345", hook))
}

func TestLoopbackURL(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080/x": true, "http://localhost/": true, "http://[::1]:1/": true, "http://127.9.9.9/": true,
		"": false, "http://10.0.0.1/": false, "http://localhost.example.com/": false, "http://user@example.com/127.0.0.1": false, "://": false,
	} {
		require.Equal(t, want, loopbackURL(address), address)
	}
}

// Only URLs on loopback are called. If a name resolves to another address, the
// dialer refuses it.
func TestCallsStayOnLoopback(t *testing.T) {
	f := New(Config{})
	defer f.Close()
	_, err := f.postWebhook(t.Context(), webhook{"http://192.0.2.1:9/", nil})
	require.ErrorContains(t, err, "loopback addresses only")

	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.world.services[0]
	m := &message{Outbound: ParticipantSid, session: s.Sessions[0], Life: &life{Final: "delivered"}}
	m.Sid = "KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	s.CallbackUrl = "http://192.0.2.1:9/"
	f.callback(m, f.clock.now())
	require.Empty(t, f.callbacks.waiting)
}

func TestCallsEnd(t *testing.T) {
	f := New(Config{})
	defer f.Close()
	require.Equal(t, callbackTimeout, f.callbacks.timeout)
	f.callbacks.timeout = 20 * time.Millisecond
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer silent.Close()
	_, err := f.postWebhook(t.Context(), webhook{silent.URL, nil})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A subscriber that does not read is cut off and does not delay the others.
func TestSlowSubscriberIsCutOff(t *testing.T) {
	f := New(Config{})
	defer f.Close()
	slow := f.subscribe()
	for range cap(slow) + 1 {
		require.NoError(t, f.SetFaults())
	}
	for range cap(slow) {
		<-slow
	}
	_, open := <-slow
	require.False(t, open)
	require.Empty(t, f.feed.subscribers)
}

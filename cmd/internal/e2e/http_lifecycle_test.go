package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// underWay arms a fault for the next message and calls event, which sends it. It
// returns when the upstream has the request.
func (u *upstream) underWay(t *testing.T, fault fake.Fault, event func()) {
	t.Helper()
	before := len(u.Requests())
	u.arm(t, fault)
	event()
	eventually(t, func() bool { return len(u.Requests()) > before })
}

func TestHTTPFinishesSendsBeforeItEnds(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	s := startHTTP(t, environment(t, u.env...))
	require.Equal(t, http.StatusOK, s.get("/readyz").status)
	idle := s.openSSE()
	release := u.hold(t)
	answered := s.begin("hello")
	eventually(t, func() bool { return u.Accepted() == 1 })
	s.signal()
	eventually(t, func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
	require.Equal(t, http.StatusOK, s.get("/healthz").status)
	late := s.post(rpc(2, "tools/call", sendParams("too late", nil)))
	require.Equal(t, http.StatusServiceUnavailable, late.status)
	require.NotEmpty(t, late.header.Get("Retry-After"))
	require.Empty(t, answered, "the send is still under way")

	release()
	got := <-answered
	require.Equal(t, http.StatusOK, got.status, got.body)
	var a answer
	require.NoError(t, json.Unmarshal([]byte(got.body), &a))
	require.Equal(t, outcome{Code: "sent", Sent: "yes"}, a.kind())
	require.Empty(t, idle.receive(), "the stream is closed")
	<-s.ended
	require.Zero(t, s.cmd.ProcessState.ExitCode(), s.stderr.String())
	require.Equal(t, map[string]int{"hello": 1}, u.messages(t))
	_, err := s.ask(http.MethodGet, "/healthz", nil)
	require.Error(t, err)
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	u := startUpstream(t)
	s := startHTTP(t, environment(t, u.env...))
	u.underWay(t, fake.Fault{Effect: fake.EffectHang}, func() { s.begin("hello") })
	s.signal()
	eventually(t, func() bool { return s.get("/readyz").status == http.StatusServiceUnavailable })
	begun := time.Now()
	s.signal()
	<-s.ended
	require.Less(t, time.Since(begun), 5*time.Second, "the process waits for nothing")
	require.False(t, s.cmd.ProcessState.Success())
}

// A client goes away during its call. The message is sent once and recorded, and
// the next caller gets the receipt.
func TestAVanishedClientsSendIsOnRecord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		vanish func(s *site, call string) (gone func())
	}{
		{"streamable HTTP", func(s *site, call string) func() {
			ctx, hangUp := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/mcp", strings.NewReader(call))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			go s.client.Do(r)
			return hangUp
		}},
		{"SSE", func(s *site, call string) func() {
			stream := s.openSSE()
			r, err := s.ask(http.MethodPost, stream.endpoint, strings.NewReader(call))
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, r.status)
			return func() { stream.body.Close() }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := startUpstream(t)
			env := environment(t, u.env...)
			s := startHTTP(t, env)
			var gone func()
			u.underWay(t, fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(time.Second)}, func() {
				gone = c.vanish(s, rpc(1, "tools/call", sendParams("hello", nil)))
			})
			gone()
			var entries []ledger.Entry
			eventually(t, func() bool {
				entries = history(t, env)
				return len(entries) == 1 && entries[0].State != ledger.Claimed
			})
			require.Equal(t, ledger.Sent, entries[0].State)
			require.NotEmpty(t, entries[0].Sid)
			require.Equal(t, map[string]int{"hello": 1}, u.messages(t))
			again := s.send("hello")
			require.True(t, again.outcome().Replayed)
			require.Equal(t, entries[0].ID.String(), again.outcome().LedgerID)
			require.Equal(t, 1, u.Accepted())
			s.stop()
		})
	}
}

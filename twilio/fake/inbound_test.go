package fake_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// A hook is a service's URL on loopback. It records the calls it gets.
type hook struct {
	url   string
	calls chan *http.Request
}

func startHook(t *testing.T, status int) hook {
	h := hook{calls: make(chan *http.Request, 16)}
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.WriteHeader(status)
		h.calls <- r
	}))
	t.Cleanup(ts.Close)
	h.url = ts.URL + "/hook?x=1"
	return h
}

func TestAnswer(t *testing.T) {
	s := start(t, fake.Config{})
	s.SetClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	callback, intercept := startHook(t, 200), startHook(t, 500)
	s.ok(200, "POST", servicePath, url.Values{"CallbackUrl": {callback.url}, "InterceptCallbackUrl": {intercept.url}})

	sid := text(s.control(200, "POST", "/_fake/participants/"+fake.ParticipantSid+"/messages", `{"body":"on my way"}`).json["sid"])
	got := s.ok(200, "GET", sessionPath+"/Interactions/"+sid, nil).json
	require.Equal(t, `{"body":"on my way"}`, got["data"])
	require.Equal(t, fake.ParticipantSid, got["inbound_participant_sid"])
	require.Equal(t, "delivered", got["inbound_resource_status"])
	require.Equal(t, fake.OtherParticipantSid, got["outbound_participant_sid"])
	require.Equal(t, "sent", got["outbound_resource_status"])
	require.NotEqual(t, got["inbound_resource_sid"], got["outbound_resource_sid"])
	require.Zero(t, s.Accepted(), "an answer is not an API call")
	require.Empty(t, s.ok(200, "GET", messagesPath, nil).json["interactions"])
	require.Equal(t, "in-progress", s.ok(200, "GET", sessionPath, nil).json["status"])

	asked := <-intercept.calls
	require.Equal(t, fake.ParticipantSid, asked.PostForm.Get("inboundParticipantSid"))
	require.Equal(t, `{"body":"on my way"}`, asked.PostForm.Get("interactionData"))
	require.NotEmpty(t, asked.Header.Get("X-Twilio-Signature"))
	told := <-callback.calls
	require.Equal(t, sid, told.PostForm.Get("interactionSid"))
	require.Equal(t, "sent", told.PostForm.Get("outboundResourceStatus"))
	s.Advance(2 * time.Second)
	require.Equal(t, "delivered", (<-callback.calls).PostForm.Get("outboundResourceStatus"))
}

func TestAnswerThatIsBlocked(t *testing.T) {
	s := start(t, fake.Config{})
	intercept, outside := startHook(t, 403), startHook(t, 200)
	s.ok(200, "POST", servicePath, url.Values{"InterceptCallbackUrl": {intercept.url}, "OutOfSessionCallbackUrl": {outside.url}})
	_, err := s.Answer(t.Context(), fake.ParticipantSid, "hello")
	require.ErrorIs(t, err, fake.ErrBlocked)
	require.Empty(t, s.ok(200, "GET", sessionPath+"/Interactions", nil).json["interactions"])

	s.ok(200, "POST", sessionPath, status("closed"))
	got := s.control(409, "POST", "/_fake/participants/"+fake.ParticipantSid+"/messages", `{"body":"anyone?"}`)
	require.NotEmpty(t, got.json["error"])
	call := <-outside.calls
	require.Equal(t, "anyone?", call.PostForm.Get("Body"))
	require.Equal(t, "+15550100001", call.PostForm.Get("From"))
	require.Len(t, intercept.calls, 1)
	for _, bad := range []string{`{"bodi":"x"}`, `{`, ``} {
		s.control(400, "POST", "/_fake/participants/"+fake.ParticipantSid+"/messages", bad)
	}
	s.control(409, "POST", "/_fake/participants/"+fake.ParticipantSid+"/messages", `{"body":""}`)
}

// During the call of the intercept URL, the session may be closed, and the partner
// or the writer may leave.
func TestAnswerThatComesTooLate(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(s *server)
		refused   bool
	}{
		"closed":       {func(s *server) { s.ok(200, "POST", sessionPath, status("closed")) }, true},
		"expired":      {func(s *server) { s.ok(200, "POST", sessionPath, url.Values{"DateExpiry": {"2001-01-01T00:00:00Z"}}) }, true},
		"deleted":      {func(s *server) { s.ok(204, "DELETE", sessionPath, nil) }, true},
		"reset":        {func(s *server) { require.NoError(s.t, s.Reset()) }, true},
		"writer left":  {func(s *server) { s.ok(200, "DELETE", participantPath, nil) }, true},
		"partner left": {func(s *server) { s.ok(200, "DELETE", sessionPath+"/Participants/"+fake.OtherParticipantSid, nil) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, fake.Config{})
			intercept := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { test.meanwhile(s) }))
			t.Cleanup(intercept.Close)
			s.ok(200, "POST", servicePath, url.Values{"InterceptCallbackUrl": {intercept.URL}})
			sid, err := s.Answer(t.Context(), fake.ParticipantSid, "hello")
			if test.refused {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Nil(t, s.ok(200, "GET", sessionPath+"/Interactions/"+sid, nil).json["outbound_participant_sid"])
		})
	}
}

func TestAnswerHasABound(t *testing.T) {
	s := start(t, fake.Config{})
	_, err := s.Answer(t.Context(), fake.ParticipantSid, strings.Repeat("x", 1<<20))
	require.NoError(t, err)
	s.control(409, "POST", "/_fake/participants/"+fake.ParticipantSid+"/messages", `{"body":"`+strings.Repeat("x", 1<<20+1)+`"}`)
}

func TestAnswerWithoutPartner(t *testing.T) {
	s := start(t, fake.Config{})
	s.ok(200, "DELETE", sessionPath+"/Participants/"+fake.OtherParticipantSid, nil)
	sid, err := s.Answer(t.Context(), fake.ParticipantSid, "hello?")
	require.NoError(t, err)
	got := s.ok(200, "GET", sessionPath+"/Interactions/"+sid, nil).json
	require.Nil(t, got["outbound_participant_sid"])
	require.Nil(t, got["outbound_resource_status"])
	_, err = s.Answer(t.Context(), fake.OtherParticipantSid, "I left")
	require.Error(t, err)
}

// A host name that is not loopback is neither looked up nor dialled, so the
// message is accepted at once.
func TestOnlyLoopbackIsCalled(t *testing.T) {
	s := start(t, fake.Config{})
	s.ok(200, "POST", servicePath, url.Values{"InterceptCallbackUrl": {"http://192.0.2.1/"}, "CallbackUrl": {"http://127.0.0.1.example.com/"}})
	began := time.Now()
	_, err := s.Answer(t.Context(), fake.ParticipantSid, "hello")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Less(t, time.Since(began), 5*time.Second, "an unanswered call would take that long")
}

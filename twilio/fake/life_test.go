package fake_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// conversation creates a session with one participant and returns the path for
// messages to it.
func (s *server) conversation(identifier string) string {
	s.t.Helper()
	session := s.session(servicePath, url.Values{})
	made := s.ok(201, "POST", session+"/Participants", url.Values{"Identifier": {identifier}})
	return session + "/Participants/" + text(made.json["sid"]) + "/MessageInteractions"
}

func TestMessageLife(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		identifier string
		queued     time.Duration
		statuses   []string // after 0, 1, 2, 3 and 60 seconds
		code       int
	}{
		{"+15550100003", 0, []string{"sent", "sent", "delivered", "delivered", "delivered"}, 0},
		{"+15550100003", time.Second, []string{"queued", "sent", "sent", "delivered", "delivered"}, 0},
		{"+15550030001", 0, []string{"sent", "sent", "failed", "failed", "failed"}, 30001},
		{"+15550030002", 0, []string{"sent", "sent", "failed", "failed", "failed"}, 30002},
		{"+15550030003", time.Second, []string{"queued", "sent", "sent", "undelivered", "undelivered"}, 30003},
		{"+15550030007", 0, []string{"sent", "sent", "undelivered", "undelivered", "undelivered"}, 30007},
		{"+15550000001", 0, []string{"queued", "queued", "queued", "queued", "queued"}, 0},
		{"+15550000002", time.Second, []string{"queued", "sent", "sent", "sent", "sent"}, 0},
	} {
		t.Run(test.identifier, func(t *testing.T) {
			s := start(t, fake.Config{QueuedFor: test.queued})
			s.SetClock(noon)
			messages := s.conversation(test.identifier)
			made := s.ok(200, "POST", messages, body("hello")).json
			for i, offset := range []time.Duration{0, 1, 2, 3, 60} {
				s.SetClock(noon.Add(offset * time.Second))
				got := s.ok(200, "GET", messages+"/"+text(made["sid"]), nil).json
				require.Equal(t, test.statuses[i], got["outbound_resource_status"], "after %ds", offset)
			}
			shown := s.control(200, "GET", "/_fake/messages/"+text(made["sid"]), "").json["message"].(map[string]any)
			code, _ := shown["error_code"].(float64)
			require.EqualValues(t, test.code, code)
			require.Equal(t, test.statuses[0], made["outbound_resource_status"])
		})
	}
}

func TestMessageThatIsDeliveredAtOnce(t *testing.T) {
	s := start(t, fake.Config{QueuedFor: -1, SentFor: -1})
	require.Equal(t, "delivered", s.ok(200, "POST", messagesPath, body("x")).json["outbound_resource_status"])
	s.control(200, "PUT", "/_fake/settings", `{"sent_for":"1h"}`)
	require.Equal(t, "sent", s.ok(200, "POST", messagesPath, body("x")).json["outbound_resource_status"])
}

func TestClockOverHTTP(t *testing.T) {
	s := start(t, fake.Config{})
	s.control(200, "PUT", "/_fake/clock", `{"now":"2030-01-01T12:00:00Z"}`)
	require.Equal(t, "2030-01-01T12:00:00Z", s.ok(200, "POST", messagesPath, body("x")).json["date_created"])
	got := s.control(200, "PUT", "/_fake/clock", `{"advance":"90s"}`)
	require.JSONEq(t, `{"now":"2030-01-01T12:01:30Z","frozen":true}`, string(got.body))
	require.Equal(t, false, s.control(200, "PUT", "/_fake/clock", `{"frozen":false}`).json["frozen"])
	require.True(t, s.Now().After(time.Date(2030, 1, 1, 12, 1, 30, 0, time.UTC)))
	require.Equal(t, true, s.control(200, "PUT", "/_fake/clock", `{"frozen":true}`).json["frozen"])
	require.Equal(t, s.Now(), s.Now())
	s.control(400, "PUT", "/_fake/clock", `{"now":"noon"}`)

	s.control(200, "PUT", "/_fake/settings", `{"queued_for":"5s","sent_for":7}`)
	require.JSONEq(t, `{"rate_limit":false,"queued_for":"5s","sent_for":"7s"}`, string(s.control(200, "GET", "/_fake/settings", "").body))
	require.Equal(t, "queued", s.ok(200, "POST", messagesPath, body("x")).json["outbound_resource_status"])
}

// events subscribes to the feed. The returned function waits for the next event of
// a type; "" = any type.
func (s *server) events() func(kind string) map[string]any {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/_fake/events", nil)
	require.NoError(s.t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { answer.Body.Close() })
	require.Equal(s.t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	next := func(kind string) map[string]any {
		s.t.Helper()
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			var event map[string]any
			if found && json.Unmarshal([]byte(data), &event) == nil && (kind == "" || event["type"] == kind) {
				return event
			}
		}
		s.t.Fatalf("the feed ended without %s: %v", kind, lines.Err())
		return nil
	}
	next("hello")
	return next
}

func TestEvents(t *testing.T) {
	s := start(t, fake.Config{SentFor: 10 * time.Millisecond})
	next := s.events()
	sid := s.ok(200, "POST", messagesPath, body("hello")).json["sid"]
	require.Equal(t, sid, next("message")["message_sid"])
	delivered := next("status") // after real time has passed
	require.Equal(t, sid, delivered["message_sid"])
	require.Equal(t, "delivered", delivered["status"])
	require.Equal(t, fake.SessionSid, delivered["session_sid"])

	s.SetClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	next("clock")
	messages := s.conversation("+15550030005")
	require.Equal(t, fake.ServiceSid, next("session")["service_sid"])
	s.ok(200, "POST", messages, body("hello"))
	s.Advance(time.Second)
	failed := next("status")
	require.Equal(t, "undelivered", failed["status"])
	require.EqualValues(t, 30005, failed["error_code"])

	s.refused(404, 20404, "POST", sessionPath+"/Participants/KP"+strings.Repeat("0", 32)+"/MessageInteractions", body("x"))
	next("refused") // without a fault

	require.NoError(t, s.Arm(fake.Fault{Effect: fake.EffectHTML}))
	require.Len(t, next("faults")["data"], 1)
	require.NoError(t, s.Reset())
	next("reset")
}

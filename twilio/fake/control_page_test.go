package fake_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestPageViews(t *testing.T) {
	s := start(t, fake.Config{Page: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "the page at ", r.URL.Path)
	})})
	require.Equal(t, "the page at /", string(s.do("GET", "/", nil).body))
	s.refused(404, 20404, "GET", "/v1/", nil)
	s.control(404, "GET", "/_fake/nothing", "")

	var last string
	for i := range 5 {
		last = text(s.ok(200, "POST", messagesPath, body(fmt.Sprint("message ", i))).json["sid"])
	}
	s.session(servicePath, nil)

	state := s.control(200, "GET", "/_fake/state", "").json
	require.EqualValues(t, 5, state["accepted"])
	require.Len(t, state["operations"], 25)
	require.Len(t, state["effects"], 11)
	require.Equal(t, fake.ServiceSid, state["services"].([]any)[0].(map[string]any)["sid"])

	newest := s.control(200, "GET", "/_fake/sessions?limit=1", "").json
	require.Len(t, newest["sessions"], 1)
	older := s.control(200, "GET", fmt.Sprintf("/_fake/sessions?limit=1&before=%.0f", newest["next_before"]), "").json
	require.EqualValues(t, 0, older["next_before"])
	session := older["sessions"].([]any)[0].(map[string]any)
	require.Equal(t, fake.SessionSid, session["sid"])
	require.EqualValues(t, 5, session["messages"])
	require.Equal(t, "message 4", session["last_message"].(map[string]any)["body"])
	require.Len(t, session["participants"], 2)
	require.Equal(t, session, s.control(200, "GET", "/_fake/sessions/"+fake.SessionSid, "").json)
	s.control(404, "GET", "/_fake/sessions/KC1", "")
	s.control(404, "GET", "/_fake/sessions/KC1/messages", "")

	var bodies []any
	for before := "18446744073709551615"; before != "0"; {
		page := s.control(200, "GET", "/_fake/sessions/"+fake.SessionSid+"/messages?limit=2&before="+before, "").json
		for _, m := range page["messages"].([]any) {
			bodies = append(bodies, m.(map[string]any)["body"])
		}
		before = fmt.Sprintf("%.0f", page["next_before"])
	}
	require.Equal(t, []any{"message 4", "message 3", "message 2", "message 1", "message 0"}, bodies)

	shown := s.control(200, "GET", "/_fake/messages/"+last, "").json
	request := shown["request"].(map[string]any)
	require.Equal(t, "Body=message+4", request["body"])
	require.Contains(t, request["answer"], last)
	require.EqualValues(t, 200, request["status"])
	s.control(404, "GET", "/_fake/messages/KI1", "")
}

// The page asks often, so these answers must contain what it needs and no bodies.
func TestBriefRequests(t *testing.T) {
	s := start(t, fake.Config{})
	long := strings.Repeat("ü", 30_000)
	s.ok(200, "POST", messagesPath, body(long))
	require.NoError(t, s.Arm(fake.Fault{Effect: fake.EffectDropAfter}, fake.Fault{Effect: fake.EffectTruncate},
		fake.Fault{Effect: fake.EffectErrorAfter}, fake.Fault{Effect: fake.EffectStatus, Status: 400, Code: 80608}, fake.Fault{Effect: fake.EffectHTML, Status: 200}))
	for range 5 {
		_, _ = s.try("POST", messagesPath, body(long))
	}
	s.refused(400, 80701, "POST", messagesPath, url.Values{"MediaUrl": {"ftp://example.com/a"}})
	s.ok(200, "GET", sessionPath, nil)
	s.refused(400, 80409, "POST", servicePath+"/Sessions/Order%20%231234/Participants/"+fake.ParticipantSid+"/MessageInteractions", body("by name"))

	got := s.control(200, "GET", "/_fake/requests?brief=true&operation=CreateMessageInteraction&session="+fake.SessionSid, "")
	require.Less(t, len(got.body), 20_000)
	requests := got.json["requests"].([]any)
	require.Len(t, requests, 8)
	for i, want := range []struct {
		receipt, made, dropped bool
		status                 float64
	}{
		{true, true, false, 200}, {false, true, true, 0}, {false, true, false, 200}, {false, true, false, 500},
		{false, false, false, 400}, {false, true, false, 200}, {false, false, false, 400}, {false, false, false, 400},
	} {
		one := requests[i].(map[string]any)
		require.Equal(t, want.receipt, one["receipt"], i)
		require.Equal(t, want.made, one["message_sid"] != nil, i)
		require.Equal(t, want.dropped, one["dropped"] == true, i)
		status, _ := one["status"].(float64)
		require.Equal(t, want.status, status, i)
	}
	refused := requests[4].(map[string]any)
	require.Equal(t, strings.Repeat("ü", 600)+"…", refused["text"])
	require.Contains(t, refused["answer"], "80608")
	require.Equal(t, []any{"ftp://example.com/a"}, requests[6].(map[string]any)["media_url"])

	after := fmt.Sprintf("/_fake/requests?after=%.0f", requests[6].(map[string]any)["number"])
	require.Len(t, s.control(200, "GET", after, "").json["requests"], 2)
	whole := s.control(200, "GET", fmt.Sprintf("/_fake/requests/%.0f", refused["number"]), "").json["request"].(map[string]any)
	require.Len(t, whole["body"], 64<<10)
	s.control(404, "GET", "/_fake/requests/99", "")
	s.control(404, "GET", "/_fake/requests/x", "")
}

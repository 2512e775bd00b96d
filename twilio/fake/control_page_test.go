package fake_test

import (
	"fmt"
	"net/http"
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
	require.Len(t, state["effects"], 9)
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

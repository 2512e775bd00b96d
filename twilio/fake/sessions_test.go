package fake_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func status(to string) url.Values { return url.Values{"Status": {to}} }

func TestSessionStatusChanges(t *testing.T) {
	s := start(t, fake.Config{})
	require.Equal(t, "open", s.ok(200, "GET", sessionPath, nil).json["status"])
	s.refused(400, 80608, "POST", sessionPath, status("in-progress"))
	s.refused(400, 80608, "POST", sessionPath, status("failed"))
	s.refused(400, 80701, "POST", sessionPath, status("shut"))
	s.ok(200, "POST", messagesPath, body("hello"))
	running := s.ok(200, "GET", sessionPath, nil).json
	require.Equal(t, "in-progress", running["status"])
	require.NotNil(t, running["date_last_interaction"])
	s.refused(400, 80608, "POST", sessionPath, status("open"))

	closed := s.ok(200, "POST", sessionPath, status("closed")).json
	require.Equal(t, "closed", closed["status"])
	require.NotEmpty(t, closed["closed_reason"])
	require.NotNil(t, closed["date_ended"])
	s.refused(400, 80608, "POST", sessionPath, status("closed"))
	s.refused(400, 80608, "POST", sessionPath, status("open"))
	s.refused(400, 80607, "POST", sessionPath, url.Values{"Ttl": {"5"}})
	s.refused(400, 80607, "POST", messagesPath, body("hello"))
	s.refused(400, 80607, "POST", sessionPath+"/Participants", url.Values{"Identifier": {"+15550100009"}})
	require.Equal(t, 1, s.Accepted())

	again := s.ok(200, "POST", sessionPath, status("in-progress")).json
	require.Nil(t, again["date_ended"])
	require.Empty(t, again["closed_reason"])
	s.ok(200, "POST", messagesPath, body("hello"))
}

func TestSessionExpiry(t *testing.T) {
	start0 := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	s := start(t, fake.Config{})
	s.SetClock(start0)
	root := s.service(url.Values{"UniqueName": {"brief"}, "DefaultTtl": {"60"}}, "+15550110001")
	session := s.session(root, nil)
	person := session + "/Participants/" + text(s.ok(201, "POST", session+"/Participants", url.Values{"Identifier": {"+15550100001"}}).json["sid"])
	at := func(offset time.Duration) string {
		s.SetClock(start0.Add(offset))
		return text(s.ok(200, "GET", session, nil).json["status"])
	}
	require.Equal(t, "open", at(59*time.Second))
	s.ok(200, "POST", person+"/MessageInteractions", body("keeps it going"))
	require.Equal(t, "in-progress", at(118*time.Second))
	require.Equal(t, "closed", at(119*time.Second))
	require.Equal(t, "2030-01-01T12:01:59Z", s.ok(200, "GET", session, nil).json["date_ended"])
	s.refused(400, 80904, "POST", person+"/MessageInteractions", body("too late"))

	s.ok(200, "POST", session, url.Values{"Status": {"in-progress"}, "DateExpiry": {"2030-01-01T12:10:00+00:00"}})
	require.Equal(t, "in-progress", at(599*time.Second), "the date overrides the time to live")
	require.Equal(t, "closed", at(600*time.Second))
	reopened := s.ok(200, "POST", session, status("in-progress")).json
	require.Nil(t, reopened["date_expiry"])
	require.Equal(t, "in-progress", at(659*time.Second))
	s.ok(200, "POST", session, url.Values{"Ttl": {"0"}})
	require.Equal(t, "in-progress", at(1000*time.Hour))
	s.refused(400, 80701, "POST", session, url.Values{"DateExpiry": {"tomorrow"}})
}

func TestSessionCreation(t *testing.T) {
	s := start(t, fake.Config{})
	sessions := servicePath + "/Sessions"
	made := s.ok(201, "POST", sessions, url.Values{
		"UniqueName": {"Order #5"}, "Ttl": {"9"}, "Mode": {"message-only"}, "Status": {"in-progress"},
		"Participants": {`{"Identifier":"+15550100005","FriendlyName":"Eve"}`, `{"Identifier":"messenger:77"}`},
	}).json
	require.Equal(t, "in-progress", made["status"])
	require.Equal(t, "message-only", made["mode"])
	require.EqualValues(t, 9, made["ttl"])
	require.Len(t, s.ok(200, "GET", sessions+"/"+text(made["sid"])+"/Participants", nil).json["participants"], 2)
	require.Equal(t, made["sid"], s.ok(200, "GET", sessions+"/Order%20%235", nil).json["sid"])

	three := []string{`{"Identifier":"+15550100005"}`, `{"Identifier":"+15550100006"}`, `{"Identifier":"+15550100007"}`}
	for _, test := range []struct {
		status, code int
		form         url.Values
	}{
		{409, 80603, url.Values{"UniqueName": {"Order #5"}}},
		{400, 80701, url.Values{"UniqueName": {strings.Repeat("x", 192)}}},
		{400, 80701, url.Values{"Mode": {"smoke-signals"}}},
		{400, 80701, url.Values{"Status": {"closed"}}},
		{400, 80701, url.Values{"Ttl": {"1.5"}}},
		{400, 80701, url.Values{"Participants": {"Eve"}}},
		{400, 80701, url.Values{"Participants": {"{}"}}},
		{400, 80404, url.Values{"Participants": {`{"Identifier":"Eve"}`}}},
		{400, 80609, url.Values{"UniqueName": {"crowd"}, "Participants": three}},
	} {
		s.refused(test.status, test.code, "POST", sessions, test.form)
	}
	s.refused(404, 20404, "GET", sessions+"/crowd", nil)

	mine := s.session(s.service(url.Values{"UniqueName": {"mine"}}), nil)
	foreign := sessions + mine[strings.LastIndex(mine, "/"):]
	s.refused(403, 80610, "GET", foreign, nil)
	s.refused(400, 80409, "POST", sessions+"/KC1", nil)
	s.ok(204, "DELETE", mine, nil)
	s.refused(404, 20404, "GET", mine, nil)
}

func TestParticipants(t *testing.T) {
	s := start(t, fake.Config{})
	people := sessionPath + "/Participants"
	add := func(identifier string) url.Values { return url.Values{"Identifier": {identifier}} }
	s.refused(400, 80609, "POST", people, add("+15550100003"))
	s.refused(400, 80103, "POST", people, add("+15550100001"))
	s.refused(400, 80404, "POST", people, add("5550100003"))
	s.refused(400, 80701, "POST", people, nil)
	s.refused(400, 80701, "POST", people, url.Values{"Identifier": {"+15550100003"}, "FriendlyName": {strings.Repeat("x", 256)}})
	s.refused(400, 80701, "POST", people, url.Values{"Identifier": {"+15550100003"}, "ProxyIdentifierSid": {"PN"}})

	s.ok(200, "POST", messagesPath, body("before"))
	require.Empty(t, s.ok(200, "DELETE", participantPath, nil).body)
	gone := s.ok(200, "GET", participantPath, nil).json
	require.NotNil(t, gone["date_deleted"])
	require.Len(t, s.ok(200, "GET", people, nil).json["participants"], 2)
	require.Len(t, s.ok(200, "GET", messagesPath, nil).json["interactions"], 1)
	s.refused(404, 20404, "DELETE", participantPath, nil)
	s.refused(404, 20404, "POST", messagesPath, body("after"))
	s.refused(400, 80612, "POST", people, add("+15550100001"))
	s.ok(201, "POST", people, add("+15550100003"))
	s.refused(400, 80405, "GET", people+"/KP1", nil)
	s.refused(404, 20404, "GET", people+"/KP"+strings.Repeat("c", 32), nil)
	require.Equal(t, 1, s.Accepted())
}

// A date can be in the year 9999 in its own time zone and in the year 10000 in
// UTC. Neither the API nor the state file can write it.
func TestDateExpiryEndsWithTheYear9999(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	s := start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	s.refused(400, 80701, "POST", sessionPath, url.Values{"DateExpiry": {"9999-12-31T23:59:59-12:00"}})
	s.refused(400, 80701, "POST", sessionPath, url.Values{"DateExpiry": {"0001-01-01T00:00:00+12:00"}})
	got := s.ok(200, "POST", sessionPath, url.Values{"DateExpiry": {"9999-12-31T11:59:59-12:00"}}).json
	require.Equal(t, "9999-12-31T23:59:59Z", got["date_expiry"])
	s.control(400, "POST", "/_fake/seed", `{"services":[{"unique_name":"a","sessions":[{"date_expiry":"9999-12-31T23:59:59-12:00"}]}]}`)
	require.NoError(t, s.Close(), "the file is still written")
}

package fake_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// Clients that build the form by hand may not escape semicolons.
func TestRawSemicolon(t *testing.T) {
	s := start(t, fake.Config{})
	r, err := http.NewRequest("POST", s.url+messagesPath, strings.NewReader("Body=one;+two;three"))
	require.NoError(t, err)
	r.SetBasicAuth("x", "y")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := s.send(r)
	require.NoError(t, err)
	require.Equal(t, 200, got.status, "%s", got.body)
	require.Equal(t, `{"body":"one; two;three"}`, got.json["data"])
}

func TestEmptyMediaUrlIsNotGiven(t *testing.T) {
	s := start(t, fake.Config{})
	got := s.ok(200, "POST", messagesPath, url.Values{"Body": {"hi"}, "MediaUrl": {""}}).json
	require.Equal(t, `{"body":"hi"}`, got["data"])
	s.refused(400, 80701, "POST", messagesPath, url.Values{"MediaUrl": {""}})
}

// All calls on an expired session are refused with the same code.
func TestExpiredSession(t *testing.T) {
	s := start(t, fake.Config{})
	s.ok(200, "POST", sessionPath, url.Values{"DateExpiry": {"2001-01-01T00:00:00Z"}})
	s.refused(400, 80904, "POST", messagesPath, body("x"))
	s.refused(400, 80904, "POST", sessionPath+"/Participants", url.Values{"Identifier": {"+15550100003"}})
	s.refused(400, 80904, "POST", sessionPath, url.Values{"Ttl": {"60"}})
	s.ok(200, "POST", sessionPath, status("in-progress"))
	s.ok(200, "POST", sessionPath, url.Values{"Ttl": {"60"}})
}

func TestDeletedSessionGivesItsNameBack(t *testing.T) {
	s := start(t, fake.Config{})
	s.ok(204, "DELETE", sessionPath, nil)
	s.ok(201, "POST", servicePath+"/Sessions", url.Values{"UniqueName": {"Order #1234"}})
}

// A reopened session holds its pairs of identifier and number again, even if
// another session held them in between.
func TestReopenedSessionHoldsItsPairs(t *testing.T) {
	s := start(t, fake.Config{})
	service := "/v1/Services/" + text(s.ok(201, "POST", "/v1/Services", url.Values{"UniqueName": {"one number"}}).json["sid"])
	s.ok(201, "POST", service+"/PhoneNumbers", url.Values{"PhoneNumber": {"+15550107777"}})
	who := url.Values{"Identifier": {"+15550100009"}}
	first, second, third := s.session(service, nil), s.session(service, nil), s.session(service, nil)
	s.ok(201, "POST", first+"/Participants", who)
	s.ok(200, "POST", first, status("closed"))
	s.ok(201, "POST", second+"/Participants", who)
	s.refused(400, 80801, "POST", first, status("in-progress"))
	s.ok(200, "POST", second, status("closed"))
	s.ok(200, "POST", first, status("in-progress"))
	s.refused(400, 80208, "POST", third+"/Participants", who)
}

func TestControlAnswersJSON(t *testing.T) {
	s := start(t, fake.Config{})
	for _, path := range []string{"/_fake/nothing", "/_fake/", "/_fake"} {
		require.NotEmpty(t, s.control(404, "GET", path, "").json["error"], path)
	}
	got := s.control(405, "PATCH", "/_fake/faults", "")
	require.Equal(t, "/_fake/faults takes GET, PUT, POST, DELETE", got.json["error"])
	require.Equal(t, []string{"GET", "PUT", "POST", "DELETE"}, got.header.Values("Allow"))
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.NotEmpty(t, s.control(405, "GET", "/_fake/reset", "").json["error"])
}

// A redirect counts as the answer to a callback. It is not followed.
func TestCallbacksFollowNoRedirect(t *testing.T) {
	s := start(t, fake.Config{})
	blocks := startHook(t, 403)
	redirects := httptest.NewServer(http.RedirectHandler(blocks.url, http.StatusTemporaryRedirect))
	t.Cleanup(redirects.Close)
	s.ok(200, "POST", servicePath, url.Values{"InterceptCallbackUrl": {redirects.URL}})
	_, err := s.Answer(t.Context(), fake.ParticipantSid, "hello")
	require.NoError(t, err)
	require.Empty(t, blocks.calls)
}

func TestCallbackWithCredentials(t *testing.T) {
	s := start(t, fake.Config{})
	intercept := startHook(t, 200)
	at := strings.Replace(intercept.url, "http://", "http://user:p%40ss@", 1)
	s.ok(200, "POST", servicePath, url.Values{"InterceptCallbackUrl": {at}})
	_, err := s.Answer(t.Context(), fake.ParticipantSid, "hello")
	require.NoError(t, err)
	user, password, _ := (<-intercept.calls).BasicAuth()
	require.Equal(t, "user p@ss", user+" "+password)
}

func TestDeletedInteractionIsAnnounced(t *testing.T) {
	s := start(t, fake.Config{})
	sid := text(s.ok(200, "POST", messagesPath, body("x")).json["sid"])
	next := s.events()
	s.ok(204, "DELETE", sessionPath+"/Interactions/"+sid, nil)
	require.NoError(t, s.Arm(fake.Fault{Effect: fake.EffectHang})) // its event ends the loop if the deletion is not announced
	for {
		switch event := next(""); event["type"] {
		case "session":
			require.Equal(t, fake.SessionSid, event["session_sid"])
			return
		case "faults":
			t.Fatal("the deletion was not announced")
		}
	}
}

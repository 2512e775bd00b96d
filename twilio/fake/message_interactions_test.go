package fake_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestMessageIsReadBack(t *testing.T) {
	s := start(t, fake.Config{})
	made := s.ok(200, "POST", messagesPath, url.Values{"Body": {"<b>1 & 2</b> \u2028 ☎"}, "MediaUrl": {"https://example.com/a", "https://example.com/b"}}).json
	require.Equal(t, `{"body":"<b>1 & 2</b> \u2028 ☎","media_url":["https://example.com/a","https://example.com/b"]}`, made["data"])
	require.Equal(t, made, s.ok(200, "GET", messagesPath+"/"+text(made["sid"]), nil).json)

	as := s.ok(200, "GET", sessionPath+"/Interactions/"+text(made["sid"]), nil).json
	require.NotContains(t, as, "participant_sid")
	require.Equal(t, s.url+sessionPath+"/Interactions/"+text(made["sid"]), as["url"])
	require.Equal(t, made["outbound_resource_sid"], as["outbound_resource_sid"])

	other := sessionPath + "/Participants/" + fake.OtherParticipantSid + "/MessageInteractions"
	s.refused(404, 20404, "GET", other+"/"+text(made["sid"]), nil)
	require.Empty(t, s.ok(200, "GET", other, nil).json["interactions"])
	require.Len(t, s.ok(200, "GET", messagesPath, nil).json["interactions"], 1)

	s.ok(204, "DELETE", sessionPath+"/Interactions/"+text(made["sid"]), nil)
	s.refused(404, 20404, "GET", messagesPath+"/"+text(made["sid"]), nil)
	require.Empty(t, s.ok(200, "GET", messagesPath, nil).json["interactions"])
	require.Equal(t, 1, s.Accepted(), "deleting an interaction does not change the count")
}

func TestMessageRefusals(t *testing.T) {
	s := start(t, fake.Config{})
	for _, form := range []url.Values{nil, {"Body": {""}}, {"body": {"lower case"}}, {"MediaUrl": {"x"}}, {"Body": {"x"}, "MediaUrl": {"file:///etc/passwd"}}, {"Body": {"\xff"}}} {
		s.refused(400, 80701, "POST", messagesPath, form)
	}
	voice := s.session(servicePath, url.Values{"Mode": {"voice-only"}, "Participants": {`{"Identifier":"+15550100005"}`}})
	list := s.ok(200, "GET", voice+"/Participants", nil).json["participants"].([]any)
	s.refused(400, 80910, "POST", voice+"/Participants/"+text(list[0].(map[string]any)["sid"])+"/MessageInteractions", body("x"))
	s.refused(403, 80610, "POST", voice+"/Participants/"+fake.ParticipantSid+"/MessageInteractions", body("x"))
	s.refused(400, 80403, "GET", messagesPath+"/KI1", nil)
	s.refused(400, 80403, "GET", sessionPath+"/Interactions/KI1", nil)
	s.refused(404, 20404, "GET", sessionPath+"/Interactions/KI"+strings.Repeat("a", 32), nil)

	for name, change := range map[string]func(*http.Request){
		"not form-encoded": func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"no body":          func(r *http.Request) { r.Body = http.NoBody; r.Header.Set("Content-Type", "text/plain") },
	} {
		r, err := http.NewRequest("POST", s.url+messagesPath, strings.NewReader("Body=x"))
		require.NoError(t, err)
		r.SetBasicAuth("x", "y")
		change(r)
		got, err := s.send(r)
		require.NoError(t, err)
		require.Equal(t, 400, got.status, name)
	}
	require.Zero(t, s.Accepted())
}

func TestBodiesAreBounded(t *testing.T) {
	s := start(t, fake.Config{})
	s.ok(200, "POST", messagesPath, body(strings.Repeat("ж", 10_000)))
	got := s.do("POST", messagesPath, body(strings.Repeat("x", 2<<20)))
	require.Equal(t, 413, got.status)
	require.Equal(t, 1, s.Accepted())
}

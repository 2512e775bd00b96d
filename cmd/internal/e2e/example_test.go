package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// documented is the response in Twilio's documentation of the operation.
const documented = `{"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","inbound_participant_sid":null,"inbound_resource_sid":null,"inbound_resource_status":null,"inbound_resource_type":null,"inbound_resource_url":null,"outbound_participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","outbound_resource_type":"Message","outbound_resource_url":null,"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","type":"message","url":"https://proxy.twilio.com/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions/KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","session_sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`

// The documented request and response pass through the server byte for byte.
func TestDocumentedExample(t *testing.T) {
	var method, path, contentType, body string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		method, path, contentType, body = r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(sent)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, documented)
	}))
	defer upstream.Close()
	p := start(t, environment(t, "TWILIO_PROXY_BASE_URL="+upstream.URL, "TWILIO_API_KEY=SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "TWILIO_API_SECRET=secret"))
	got := p.send("some message")
	p.stop()

	require.Equal(t, "POST", method)
	require.Equal(t, "/v1/Services/"+fake.ServiceSid+"/Sessions/"+fake.SessionSid+"/Participants/"+fake.ParticipantSid+"/MessageInteractions", path)
	require.Equal(t, "application/x-www-form-urlencoded", contentType)
	require.Equal(t, "Body=some+message", body)
	require.Equal(t, documented, string(got.Result.Structured))
	require.Equal(t, documented, got.Result.Content[0].Text)
	require.Empty(t, got.outcome().Backend, "the live backend is not marked as the fake")
}

// The built-in fake gives the documented answer too, but with its own SIDs and times.
func TestFakeAnswersTheDocumentedExample(t *testing.T) {
	p := start(t, environment(t))
	got := p.send("some message")
	require.Equal(t, "fake", got.outcome().Backend)
	require.Contains(t, got.text(), "no real person was texted")

	var want, fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(documented), &want))
	require.NoError(t, json.Unmarshal(got.Result.Structured, &fields))
	require.Equal(t, got.Result.Content[1].Text, fields["notice"])
	require.Contains(t, fields["notice"], "fake")
	delete(fields, "notice")
	for _, minted := range []string{"sid", "outbound_resource_sid"} {
		require.Equal(t, "fa4e", fields[minted].(string)[2:6])
		delete(want, minted)
		delete(fields, minted)
	}
	for _, own := range []string{"date_created", "date_updated", "url"} {
		require.NotEmpty(t, fields[own])
		delete(want, own)
		delete(fields, own)
	}
	require.Equal(t, want, fields)
}

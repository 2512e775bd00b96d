package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

const (
	secretBody = "the word is quokka"
	traceID    = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID     = "00f067aa0ba902b7"
)

// sample returns the value of a sample in /metrics, by its name and labels.
func (s *site) sample(name string) string {
	s.t.Helper()
	for line := range strings.Lines(s.get("/metrics").body) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestMetricsCountCallsAndLeakNothing(t *testing.T) {
	f, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_TOKEN="+firstToken)...)).bearer(firstToken)
	s.send(secretBody)
	s.send(secretBody) // a repeat
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 400, Code: 80607}))
	s.send(secretBody + " again")
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 429, Code: 20429}))
	s.send(secretBody + " after a while") // retried
	s.post(rpc(1, "tools/call", map[string]any{"name": "send_message_interaction", "arguments": map[string]any{"ServiceSid": "abcde"}}))
	s.post(rpc(1, "tools/call", map[string]any{"name": secretBody, "arguments": map[string]any{}}))
	s.as("Origin", "https://evil.example").post("{}")
	s.as("Host", "evil.example").post("{}")
	s.bearer("wrong-token-cccccccccccccccc").post("{}")
	s.as("Expect", "100-continue").post(strings.Repeat(" ", 1<<20+1))

	for sample, want := range map[string]string{
		`calls_total{outcome="sent",replayed="false",tool="send_message_interaction"}`:              "2",
		`calls_total{outcome="sent",replayed="true",tool="send_message_interaction"}`:               "1",
		`calls_total{outcome="refused",replayed="false",tool="send_message_interaction"}`:           "1",
		`calls_total{outcome="invalid_arguments",replayed="false",tool="send_message_interaction"}`: "1",
		`calls_total{outcome="invalid_arguments",replayed="false",tool="(unknown)"}`:                "1",
		`call_duration_seconds_count{tool="send_message_interaction"}`:                              "5",
		`upstream_duration_seconds_count{operation="CreateMessageInteraction",status="200"}`:        "2",
		`upstream_duration_seconds_count{operation="CreateMessageInteraction",status="400"}`:        "1",
		`upstream_duration_seconds_count{operation="CreateMessageInteraction",status="429"}`:        "1",
		`upstream_retries_total`:                 "1",
		`calls_in_flight`:                        "0",
		`refused_requests_total{guard="origin"}`: "1",
		`refused_requests_total{guard="host"}`:   "1",
		`refused_requests_total{guard="token"}`:  "1",
		`refused_requests_total{guard="body"}`:   "1",
	} {
		require.Equal(t, want, s.sample("twilio_proxy_mcp_"+sample), sample)
	}
	shown := s.get("/metrics").body
	require.NotRegexp(t, regexp.MustCompile(`\b[A-Z]{2}[0-9a-f]{32}\b`), shown, "a SID")
	for _, secret := range []string{"quokka", "token-aaaa", "token-cccc", "+1555"} {
		require.NotContains(t, shown, secret)
	}

	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectHang}))
	s.begin("in flight")
	eventually(t, func() bool { return s.sample("twilio_proxy_mcp_calls_in_flight") == "1" })
}

func TestEachCallHasOneLogLine(t *testing.T) {
	f, env := startFake(t)
	s := startHTTP(t, environment(t, append(env, "TWILIO_PROXY_MCP_TOKEN="+firstToken)...), "--log-format", "json").bearer(firstToken)
	traced := s.as("Traceparent", "00-"+traceID+"-"+spanID+"-01")
	traced.send(secretBody)
	traced.as("Traceparent", "00-"+strings.ToUpper(traceID)+"-"+spanID+"-01").send(secretBody)
	stream := traced.openSSE()
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 400, Code: 80607}))
	inMeta := map[string]any{"traceparent": "00-" + strings.Repeat("1", 32) + "-" + spanID + "-01"}
	r, err := traced.ask(http.MethodPost, stream.endpoint, strings.NewReader(rpc(77, "tools/call", sendParams(secretBody+" over SSE", inMeta))))
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, r.status)
	require.Contains(t, stream.receive(), `"id":77`)
	s.post(rpc(5, "tools/call", map[string]any{"name": "send_message_interaction", "arguments": map[string]any{"Body": secretBody, secretBody: 1}}))
	s.post(rpc(6, "tools/call", map[string]any{"name": secretBody, "arguments": map[string]any{}}))
	stream.body.Close()
	s.stop()

	type line struct {
		Msg, Tool, Outcome, Sent, Transport string
		Replayed                            bool
		ID                                  string `json:"jsonrpc_id"`
		Trace                               string `json:"trace_id"`
		Span                                string `json:"span_id"`
	}
	var calls []line
	for text := range strings.Lines(s.stderr.String()) {
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l), text)
		if l.Msg == "tools/call" {
			require.Contains(t, text, `"duration":`)
			require.Contains(t, text, `"method":"tools/call"`)
			if l.Outcome != "invalid_arguments" {
				require.Contains(t, text, fake.ParticipantSid)
				require.Regexp(t, `"request_id":"RQ[0-9a-f]{32}"`, text)
			}
			calls = append(calls, l)
		}
	}
	const tool = "send_message_interaction"
	require.Equal(t, []line{
		{Msg: "tools/call", Tool: tool, Outcome: "sent", Sent: "yes", Transport: "http", ID: "1", Trace: traceID, Span: spanID},
		{Msg: "tools/call", Tool: tool, Outcome: "sent", Sent: "yes", Transport: "http", ID: "1", Replayed: true}, // its traceparent is invalid
		{Msg: "tools/call", Tool: tool, Outcome: "refused", Sent: "no", Transport: "sse", ID: "77", Trace: strings.Repeat("1", 32), Span: spanID},
		{Msg: "tools/call", Tool: tool, Outcome: "invalid_arguments", Sent: "no", Transport: "http", ID: "5"},
		{Msg: "tools/call", Tool: "(unknown)", Outcome: "invalid_arguments", Sent: "no", Transport: "http", ID: "6"},
	}, calls)
	for _, secret := range []string{"quokka", firstToken, "+1555"} {
		require.NotContains(t, s.stderr.String(), secret)
	}
	for _, request := range f.Requests() {
		require.Empty(t, request.Header.Get("Traceparent"), "the trace is not sent to Twilio")
	}
}

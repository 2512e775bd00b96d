package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

const oneInteraction = "KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// resources are the fields of Twilio's resources, by the key of their lists.
var resources = map[string]map[string]any{
	"services": {"sid": fake.ServiceSid, "unique_name": "Deliveries", "account_sid": fake.AccountSid, "chat_instance_sid": nil, "callback_url": nil,
		"default_ttl": 0, "number_selection_behavior": "prefer-sticky", "geo_match_level": "country", "intercept_callback_url": nil,
		"out_of_session_callback_url": nil, "date_created": aDate, "date_updated": aDate, "url": "https://a.example/", "links": map[string]any{}},
	"sessions": {"sid": fake.SessionSid, "service_sid": fake.ServiceSid, "account_sid": fake.AccountSid, "date_started": aDate, "date_ended": nil,
		"date_last_interaction": aDate, "date_expiry": nil, "unique_name": "Order #1234", "status": "open", "closed_reason": nil, "ttl": 0,
		"mode": "message-only", "date_created": aDate, "date_updated": aDate, "url": "https://a.example/", "links": map[string]any{}},
	"participants": {"sid": fake.ParticipantSid, "session_sid": fake.SessionSid, "service_sid": fake.ServiceSid, "account_sid": fake.AccountSid,
		"friendly_name": "Dora (driver)", "identifier": "+15550100001", "proxy_identifier": "+15550109999", "proxy_identifier_sid": nil,
		"date_deleted": nil, "date_created": aDate, "date_updated": aDate, "url": "https://a.example/", "links": map[string]any{}},
	"interactions": {"sid": oneInteraction, "session_sid": fake.SessionSid, "service_sid": fake.ServiceSid, "account_sid": fake.AccountSid,
		"data": `{"body":"hello"}`, "type": "message", "participant_sid": fake.ParticipantSid, "inbound_participant_sid": fake.OtherParticipantSid,
		"inbound_resource_sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "inbound_resource_status": "received", "inbound_resource_type": "Message",
		"inbound_resource_url": nil, "outbound_participant_sid": fake.ParticipantSid, "outbound_resource_sid": "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"outbound_resource_status": "delivered", "outbound_resource_type": "Message", "outbound_resource_url": nil, "date_created": aDate,
		"date_updated": aDate, "url": "https://a.example/"},
}

const aDate = "2026-01-31T12:00:00Z"

// oddities change a field of Twilio's answers.
var oddities = map[string]func(field string, value any) any{
	"every field is null":                 func(string, any) any { return nil },
	"every field but the SID is null":     unlessSid(func(string, any) any { return nil }),
	"every field is of another type":      unlessSid(func(_ string, value any) any { return map[string]any{"was": []any{value, 7, true}} }),
	"texts are numbers, and the reverse":  unlessSid(func(_ string, value any) any { return swapped(value) }),
	"every text is a word nobody knows":   unlessSid(func(_ string, value any) any { return unknownWord(value) }),
	"enumerations have what nobody knows": func(field string, value any) any { return enumerated(field, value) },
}

func unlessSid(odd func(string, any) any) func(string, any) any {
	return func(field string, value any) any {
		if field == "sid" {
			return value
		}
		return odd(field, value)
	}
}

func swapped(value any) any {
	if _, isText := value.(string); isText {
		return 12.5
	}
	return "a text"
}

func unknownWord(value any) any {
	if _, isText := value.(string); isText {
		return "brand-new"
	}
	return value
}

func enumerated(field string, value any) any {
	if field == "type" || field == "mode" || field == "closed_reason" || strings.HasSuffix(field, "status") || strings.HasSuffix(field, "_type") {
		return "brand-new"
	}
	return value
}

// startOddUpstream serves one resource of each kind, changed. Every list has it, and every path leads to it.
func startOddUpstream(t *testing.T, odd func(field string, value any) any) (env []string) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elements := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[1:]
		kind := strings.ToLower(elements[(len(elements)-1)/2*2])
		kind = strings.TrimPrefix(kind, "message") // MessageInteractions
		changed := map[string]any{}
		for field, value := range resources[kind] {
			changed[field] = odd(field, value)
		}
		var answer any = changed
		if len(elements)%2 == 1 && r.Method == http.MethodGet {
			answer = map[string]any{kind: []any{changed}, "meta": map[string]any{"key": kind, "next_page_url": nil}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(upstream.Close)
	return pointedAt(upstream.URL)
}

// callsOfTools are arguments for each tool.
var callsOfTools = map[string][]map[string]any{
	"send_message_interaction": {arguments("hello")},
	"find_participant": {{"Session": "Order #1234"}, {"Session": "order 1234", "Participant": "driver"}, {"Session": "brand-new"},
		{"Service": fake.ServiceSid, "Session": fake.SessionSid}, {"Service": "deliveries", "Session": fake.SessionSid, "Participant": fake.ParticipantSid},
		{"Service": fake.ServiceSid, "Session": fake.SessionSid, "Participant": "0001"}},
	"get_interaction": {{"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "InteractionSid": oneInteraction}},
	"list_sessions":   {{}, {"Service": fake.ServiceSid, "Status": "open"}, {"Service": fake.ServiceSid, "Limit": 1}},
	"read_conversation": {{"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid},
		{"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid, "Since": aDate}},
}

// Whatever Twilio's fields hold, structured content is as the published schema says, by a foreign client and a foreign
// validator.
func TestResultsFitTheirSchemasWhateverTwilioAnswers(t *testing.T) {
	t.Parallel()
	for name, odd := range oddities {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := goSDK(t, overStdio(t, startOddUpstream(t, odd), allTools...), modern)
			tools := goSDKTools(t, session)
			require.Equal(t, slices.Sorted(maps.Keys(callsOfTools)), slices.Sorted(maps.Keys(tools)))
			for tool, calls := range callsOfTools {
				for _, arguments := range calls {
					result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
					require.NoError(t, err, "%s %v", tool, arguments)
					text := result.Content[0].(*mcp.TextContent).Text
					require.NotContains(t, text, "fault of its own", "%s %v", tool, arguments)
					require.NotContains(t, text, "an error it does not know", "%s %v", tool, arguments)
					if result.IsError {
						require.NotEqual(t, "send_message_interaction", tool, "the message went out")
						continue
					}
					satisfies(t, tools[tool].OutputSchema, result.StructuredContent)
				}
			}
		})
	}
}

// A resource of which only the SID is known is found and shown by it, and nothing is taken for final or sendable.
func TestAResourceOfWhichOnlyTheSidIsKnown(t *testing.T) {
	t.Parallel()
	p := start(t, environment(t, startOddUpstream(t, oddities["every field but the SID is null"])...), allTools...)
	call := p.calls(modern)
	whom := structured[found](t, call(t, "find_participant", map[string]any{"Service": fake.ServiceSid, "Session": fake.SessionSid}))
	require.Equal(t, "one", whom.Match)
	require.Equal(t, fake.ParticipantSid, whom.Candidates[0].ParticipantSid)
	require.False(t, whom.Candidates[0].Sendable)
	for _, arguments := range callsOfTools["list_sessions"][1:] {
		require.False(t, call(t, "list_sessions", arguments).Result.IsError, "%v", arguments)
	}
	became := structured[followed](t, call(t, "get_interaction", callsOfTools["get_interaction"][0]))
	require.False(t, became.Final)
	p.stop()
}

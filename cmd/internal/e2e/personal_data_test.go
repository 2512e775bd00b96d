package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// The numbers of people in numberedSeed. Friendly names may have them, too.
var numbers = []string{"+15550100001", "+15550100002", "15550100001", "15550100002", "555010000"}

const numberedSeed = `{"sid":"` + fake.SessionSid + `","unique_name":"Order #1234","participants":[
	{"sid":"` + fake.ParticipantSid + `","identifier":"+15550100001","friendly_name":"Dora (driver) +15550100001"},
	{"sid":"` + fake.OtherParticipantSid + `","identifier":"+15550100002","friendly_name":"15550100002"}],
	"messages":[{"sid":"` + oneInteraction + `","body":"hello","inbound_participant_sid":"` + fake.ParticipantSid + `","outbound_participant_sid":"` + fake.OtherParticipantSid + `"}]}`

// askAll calls every tool in ways that have to do with people, and returns all results as text.
func askAll(t *testing.T, call toolCaller) string {
	var all strings.Builder
	for tool, calls := range map[string][]map[string]any{
		"find_participant": {{"Session": "order 1234"}, {"Session": "Order #1234", "Participant": "0002"}, {"Session": "Order #1234", "Participant": "+15550100001"},
			{"Session": "+15550100001", "Participant": "+15550100001"}, {"Session": "Order #1234", "Participant": "+15550100009"},
			{"Session": "Order #1234", "Participant": "+15550100001", "Service": "+15550100001"}, {"Session": "Order #1234", "Participants": "+15550100001"}},
		"get_interaction":   {callsOfTools["get_interaction"][0], {"ServiceSid": "+15550100001"}},
		"list_sessions":     {{}, {"Service": "+15550100001"}, {"Status": "+15550100001"}},
		"read_conversation": {callsOfTools["read_conversation"][0], {"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "Since": "+15550100001"}},
	} {
		for _, arguments := range calls {
			a := call(t, tool, arguments)
			fmt.Fprintf(&all, "%s %v: %s %s\n", tool, len(arguments), a.text(), a.Result.Structured)
		}
	}
	return all.String()
}

// By default no result holds a whole phone number. No log line and no metric ever does.
func TestPhoneNumbersOfPeopleAreMasked(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	require.NoError(t, u.Seed([]byte(seedOf(numberedSeed))))
	logsNothing := func(t *testing.T) func(string) {
		return func(logs string) {
			require.Contains(t, logs, "find_participant")
			for _, number := range numbers {
				require.NotContains(t, logs, number)
			}
		}
	}
	t.Run("masked", func(t *testing.T) {
		everyWay(t, u.env, allTools, func(t *testing.T, call toolCaller) func(string) {
			results := askAll(t, call)
			for _, number := range numbers {
				require.NotContains(t, results, number)
			}
			require.Contains(t, results, "…0001")
			return logsNothing(t)
		})
	})
	t.Run("shown", func(t *testing.T) {
		everyWay(t, u.env, append([]string{"--show-identifiers"}, allTools...), func(t *testing.T, call toolCaller) func(string) {
			require.Contains(t, askAll(t, call), `"identifier":"+15550100001"`)
			return logsNothing(t)
		})
	})
}

package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// deliveries are Sessions as a delivery service may have them.
const deliveries = `
	{"unique_name":"Order #1234","participants":[
		{"identifier":"+15550100001","friendly_name":"Dora (driver)"},{"identifier":"+15550100002","friendly_name":"Carl (customer)"}]},
	{"unique_name":"Order #1235","participants":[{"identifier":"+15550100003","friendly_name":"Ed (driver)"}]},
	{"unique_name":"Order #200","participants":[
		{"identifier":"+15550100004","friendly_name":"Dan, driver"},{"identifier":"+15550100005","friendly_name":"Eve (Driver)"}]},
	{"unique_name":"Order #300","status":"closed","closed_reason":"api","participants":[{"identifier":"+15550100006","friendly_name":"Fay (driver)"}]},
	{"unique_name":"Order #301","mode":"voice-only","participants":[{"identifier":"+15550100007","friendly_name":"Gus (driver)"}]},
	{"unique_name":"Order #302","date_expiry":"2020-01-01T00:00:00Z","participants":[{"identifier":"+15550100008","friendly_name":"Hal (driver)"}]},
	{"unique_name":"Order #303","participants":[{"identifier":"+15550100009","friendly_name":"Ida (driver)","date_deleted":"2020-01-01T00:00:00Z"}]}`

// A colleague is an agent that knows names alone: a client of the official Go SDK, and the built-in fake beside its server.
type colleague struct {
	*mcp.ClientSession
	t     *testing.T
	tools map[string]*mcp.Tool
	fake  string // the fake's address
	calls int
}

// call calls a tool, and checks the result against the schema that the tool has published.
func (c *colleague) call(tool string, arguments map[string]any, into any) {
	c.t.Helper()
	c.calls++
	result, err := c.CallTool(c.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	require.NoError(c.t, err)
	require.False(c.t, result.IsError, "%v", result.Content)
	satisfies(c.t, c.tools[tool].OutputSchema, result.StructuredContent)
	encoded, err := json.Marshal(result.StructuredContent)
	require.NoError(c.t, err)
	require.NoError(c.t, json.Unmarshal(encoded, into))
}

// everyColleague runs a test with the built-in fake, over each transport.
func everyColleague(t *testing.T, test func(t *testing.T, c *colleague)) {
	connect := func(t *testing.T, transport mcp.Transport, version, address string) {
		c := &colleague{ClientSession: goSDK(t, transport, version), t: t, fake: address}
		c.tools = goSDKTools(t, c.ClientSession)
		if c.fake == "" { // over stdio, only a receipt tells where the built-in fake is
			var receipt struct{ URL string }
			c.call("send_message_interaction", arguments("where is the fake?"), &receipt)
			c.fake, _, _ = strings.Cut(receipt.URL, "/v1/")
			c.calls = 0
		}
		test(t, c)
	}
	for _, version := range eras {
		t.Run("stdio "+version, func(t *testing.T) {
			t.Parallel()
			connect(t, overStdio(t, nil), version, "")
		})
		t.Run("streamable HTTP "+version, func(t *testing.T) {
			t.Parallel()
			s := startHTTP(t, environment(t))
			connect(t, &mcp.StreamableClientTransport{Endpoint: s.url + "/mcp"}, version, s.url)
		})
		t.Run("SSE "+version, func(t *testing.T) {
			t.Parallel()
			s := startHTTP(t, environment(t))
			connect(t, &mcp.SSEClientTransport{Endpoint: s.url + "/sse"}, version, s.url)
		})
	}
}

// "Text the driver of order 1234 that the customer waits at gate B", from these names alone: two calls until it is sent,
// and three until it is known to be delivered. An exact name takes three GETs; others are found as well.
func TestFromASentenceToADeliveredMessage(t *testing.T) {
	t.Parallel()
	everyColleague(t, func(t *testing.T, c *colleague) {
		require.Equal(t, 200, ask(t, "PUT", c.fake+"/_fake/settings", `{"sent_for":"100ms"}`, nil, nil))
		seed(t, c.fake, deliveries)
		for _, inexact := range [][2]string{{"order 1234", "DRIVER"}, {"the order 1234", "dora driver"}, {"order1234", "0001"}} {
			requireDora(t, c, inexact[0], inexact[1])
		}
		before, calls := len(c.requests()), c.calls
		driver := requireDora(t, c, "Order #1234", "driver")
		var receipt struct{ Sid, Data string }
		c.call("send_message_interaction", map[string]any{"ServiceSid": driver.ServiceSid, "SessionSid": driver.SessionSid,
			"ParticipantSid": driver.ParticipantSid, "Body": "The customer waits at gate B."}, &receipt)
		require.Equal(t, 2, c.calls-calls)
		require.JSONEq(t, `{"body":"The customer waits at gate B."}`, receipt.Data)
		require.Equal(t, []string{"ListService", "FetchSession", "ListParticipant", "CreateMessageInteraction"}, c.requests()[before:])

		var became followed
		c.call("get_interaction", map[string]any{"ServiceSid": driver.ServiceSid, "SessionSid": driver.SessionSid,
			"InteractionSid": receipt.Sid, "WaitSeconds": 30}, &became)
		require.Equal(t, 3, c.calls-calls)
		require.Equal(t, "delivered", became.Status)
		require.True(t, became.Final)
	})
}

// requireDora finds the driver of order 1234 by these names.
func requireDora(t *testing.T, c *colleague, session, participant string) candidate {
	t.Helper()
	var whom found
	c.call("find_participant", map[string]any{"Session": session, "Participant": participant}, &whom)
	require.Equal(t, "one", whom.Match, "%+v", whom)
	require.Len(t, whom.Candidates, 1)
	driver := whom.Candidates[0]
	require.True(t, driver.Sendable)
	require.Equal(t, "Dora (driver)", driver.FriendlyName)
	require.Equal(t, "Order #1234", driver.UniqueName)
	return driver
}

// requests are the operations that the fake was asked for, in order.
func (c *colleague) requests() (operations []string) {
	c.t.Helper()
	var kept struct{ Requests []fake.Request }
	require.Equal(c.t, http.StatusOK, ask(c.t, "GET", c.fake+"/_fake/requests?brief=true", "", nil, &kept))
	for _, r := range kept.Requests {
		operations = append(operations, r.Operation)
	}
	return operations
}

// Two who fit are two candidates, and whom no message can reach is not hidden, but shown as such.
func TestWhoCannotBeTextedOrToldApartIsSaid(t *testing.T) {
	t.Parallel()
	everyColleague(t, func(t *testing.T, c *colleague) {
		seed(t, c.fake, deliveries)
		for _, session := range []string{"Order #200", "order 200"} {
			var whom found
			c.call("find_participant", map[string]any{"Session": session, "Participant": "driver"}, &whom)
			require.Equal(t, "several", whom.Match)
			require.Len(t, whom.Candidates, 2)
			require.NotEqual(t, whom.Candidates[0].ParticipantSid, whom.Candidates[1].ParticipantSid)
			require.True(t, whom.Searched.Complete)
		}
		for session, why := range map[string]string{"Order #300": "closed", "order 300": "closed", "Order #301": "voice only", "Order #303": "deleted"} {
			var whom found
			c.call("find_participant", map[string]any{"Session": session, "Participant": "driver"}, &whom)
			require.Equal(t, "one", whom.Match, session)
			require.Len(t, whom.Candidates, 1)
			require.False(t, whom.Candidates[0].Sendable, session)
			require.Equal(t, why, whom.Candidates[0].WhyNot, session)
		}
		var expired found // the fake closes a Session that has expired when it is next read
		c.call("find_participant", map[string]any{"Session": "Order #302", "Participant": "driver"}, &expired)
		require.Len(t, expired.Candidates, 1)
		require.False(t, expired.Candidates[0].Sendable)
		require.Contains(t, []string{"closed", "expired"}, expired.Candidates[0].WhyNot)
	})
}

// A command that serves the fake alone begins with a seed, and is found through as well.
func TestTheSentenceOnAFakeThatBeganWithASeed(t *testing.T) {
	t.Parallel()
	url, stop := startFakeCommand(t, "--seed", writeSeed(t, deliveries), "--sent-for", "0s")
	defer stop()
	session := goSDK(t, overStdio(t, pointedAt(url)), modern)
	c := &colleague{ClientSession: session, t: t, tools: goSDKTools(t, session), fake: url}
	var whom found
	c.call("find_participant", map[string]any{"Session": "order 1235", "Participant": "driver", "Service": "deliveries"}, &whom)
	require.Equal(t, "one", whom.Match)
	to := whom.Candidates[0]
	var receipt struct{ Sid string }
	c.call("send_message_interaction", map[string]any{"ServiceSid": to.ServiceSid, "SessionSid": to.SessionSid, "ParticipantSid": to.ParticipantSid, "Body": "gate B"}, &receipt)
	var became followed
	c.call("get_interaction", map[string]any{"ServiceSid": to.ServiceSid, "SessionSid": to.SessionSid, "InteractionSid": receipt.Sid}, &became)
	require.Equal(t, followed{Status: "delivered", Final: true}, followed{Status: became.Status, Final: became.Final})
}

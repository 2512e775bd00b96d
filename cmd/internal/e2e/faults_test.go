package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// Each fault of the fake must give the right result. The ledger is off, so that
// the result is about a single exchange. TestFaultsEndInTheRightState tests the
// same faults with the ledger.
func TestFaultsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	f, env := startFake(t)
	p := start(t, environment(t, append(env, "TWILIO_PROXY_MCP_LEDGER=off", "TWILIO_PROXY_MCP_TIMEOUT=5s")...))
	for i, tc := range []struct {
		fault    fake.Fault
		code     string
		sent     string
		accepted int
	}{
		{fake.Fault{Effect: fake.EffectStatus, Status: 400, Code: 80607}, "refused", "no", 0},
		{fake.Fault{Effect: fake.EffectStatus, Status: 404, Code: 20404}, "refused", "no", 0},
		{fake.Fault{Effect: fake.EffectStatus, Status: 429, Code: 20429, Header: map[string]string{"Retry-After": "60"}}, "try_later", "no", 0},
		{fake.Fault{Effect: fake.EffectStatus, Status: 429, Code: 20429}, "sent", "yes", 1}, // retried once
		{fake.Fault{Effect: fake.EffectStatus, Status: 500}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectStatus, Status: 503}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectStatus, Status: 408}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(100 * time.Millisecond)}, "sent", "yes", 1},
		{fake.Fault{Effect: fake.EffectDropBefore}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectDropAfter}, "outcome_unknown", "unknown", 1},
		{fake.Fault{Effect: fake.EffectTruncate}, "sent", "yes", 1},
		{fake.Fault{Effect: fake.EffectHTML, Status: 502}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectHTML, Status: 200}, "sent", "yes", 1},
		{fake.Fault{Effect: fake.EffectHTML, Status: 403}, "refused", "no", 0},
		{fake.Fault{Effect: fake.EffectPortal}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectSwap}, "sent", "yes", 1},
		{fake.Fault{Effect: fake.EffectErrorAfter}, "outcome_unknown", "unknown", 1},
		{fake.Fault{Effect: fake.EffectHang}, "outcome_unknown", "unknown", 0},
		{fake.Fault{Effect: fake.EffectHangAfter}, "outcome_unknown", "unknown", 1},
	} {
		name := fmt.Sprintf("%s %d", tc.fault.Effect, tc.fault.Status)
		before := f.Accepted()
		tc.fault.Operation = "CreateMessageInteraction"
		require.NoError(t, f.Arm(tc.fault))
		got := p.send(fmt.Sprintf("message %d", i))
		require.Equal(t, tc.code, got.outcome().Code, name)
		require.Equal(t, tc.sent, got.outcome().Sent, name)
		require.Equal(t, tc.accepted, f.Accepted()-before, name)
		require.Equal(t, tc.code != "sent", got.Result.IsError, name)
		require.Equal(t, tc.sent == "no", strings.Contains(got.text(), "Nothing was sent."), name)
		require.Equal(t, tc.sent == "unknown", strings.Contains(got.text(), "Whether the message was sent is unknown."), name)
		require.Empty(t, f.Faults(), name)
	}
	p.stop()
}

// Without a connection, nothing was sent. The same call again is sent.
func TestUnreachableIsNotSent(t *testing.T) {
	u := newUpstream(t)
	listener := u.server.Listener
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	u.env[0] += "http://" + address
	env := environment(t, append(u.env, "TWILIO_PROXY_MCP_TIMEOUT=1s")...)
	p := start(t, env)
	require.Equal(t, outcome{Code: "try_later", Sent: "no"}, p.send("hello").kind())
	require.Equal(t, ledger.NotSent, history(t, env)[0].State)

	var err error
	u.server.Listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	u.server.Start()
	require.Equal(t, sent(), p.send("hello").kind())
	require.Equal(t, 1, u.Accepted())
	p.stop()
}

func TestMalformedSidsNeverReachTheWire(t *testing.T) {
	f, env := startFake(t)
	p := start(t, environment(t, env...))
	for _, bad := range []string{"../../evil?x=", "", "KS", fake.ServiceSid + "/", fake.SessionSid + "\n", "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%2f", "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e4"} {
		for _, field := range []string{"ServiceSid", "SessionSid", "ParticipantSid"} {
			call := arguments("hello")
			call[field] = bad
			got := p.wait(p.begin("tools/call", map[string]any{"name": "send_message_interaction", "arguments": call}))
			require.Equal(t, "invalid_arguments", got.outcome().Code, bad)
			require.Equal(t, "no", got.outcome().Sent, bad)
		}
	}
	require.Empty(t, f.Requests())
}

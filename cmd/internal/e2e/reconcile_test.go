package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// Reconciliation looks for a lost message in the session's interactions. It must
// find the right one or none, even when the upstream's clock is off by five minutes.
func TestReconciliationGuessesNothing(t *testing.T) {
	t.Parallel()
	lost := func(t *testing.T, u *upstream) { u.arm(t, fake.Fault{Effect: fake.EffectDropAfter}) }
	never := func(t *testing.T, u *upstream) { u.arm(t, fake.Fault{Effect: fake.EffectDropBefore}) }
	unlisted := func(t *testing.T, u *upstream) {
		u.arm(t, fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: 503})
	}
	equal := func(t *testing.T, u *upstream) { u.post(t, "hello") } // by another program
	many := func(t *testing.T, u *upstream) {
		for i := range 500 { // with the two that the server sends, more than are looked at
			u.post(t, fmt.Sprint(i))
		}
	}
	relayed := func(t *testing.T, u *upstream) { // from the other participant
		_, err := u.Answer(t.Context(), fake.OtherParticipantSid, "hello")
		require.NoError(t, err)
	}
	days := func(t *testing.T, u *upstream) { u.Advance(72 * time.Hour); u.post(t, "hello") }
	older := func(t *testing.T, u *upstream) { u.post(t, "hello"); u.Advance(time.Minute) }
	for _, tc := range []struct {
		name    string
		past    []func(*testing.T, *upstream) // before the server starts
		before  []func(*testing.T, *upstream) // before the call
		between []func(*testing.T, *upstream) // between the call and its repeat
		first   outcome
		repeat  outcome
	}{
		{"found", nil, list(lost), nil, reconciled(), replayed()},
		{"an older equal message too", list(older), list(lost), nil, reconciled(), replayed()},
		{"only an older equal message", list(older), list(never), nil, unknown(), unknown()},
		{"a second equal message", nil, list(lost, unlisted), list(equal), unknown(), unknown()},
		{"the list failed at first", nil, list(lost, unlisted), nil, unknown(), reconciled()},
		{"only the other participant's message", nil, list(never), list(relayed), unknown(), unknown()},
		{"the other participant's message too", nil, list(lost, unlisted), list(relayed), unknown(), reconciled()},
		{"only an equal message days later", nil, list(never), list(days), unknown(), unknown()},
		{"more pages than are read", list(many), list(lost), nil, unknown(), unknown()},
	} {
		for _, off := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
			t.Run(fmt.Sprintf("%s, clock off by %v", tc.name, off), func(t *testing.T) {
				t.Parallel()
				u := startUpstream(t)
				u.Advance(off)
				for _, do := range tc.past {
					do(t, u)
				}
				server := start(t, environment(t, u.env...))
				require.Equal(t, sent(), server.send("its answer tells the server the upstream's clock").kind())
				for _, do := range tc.before {
					do(t, u)
				}
				require.Equal(t, tc.first, server.send("hello").kind())
				for _, do := range tc.between {
					do(t, u)
				}
				got := server.send("hello")
				require.Equal(t, tc.repeat, got.kind(), got.text())
				server.stop()
			})
		}
	}
}

func list(all ...func(*testing.T, *upstream)) []func(*testing.T, *upstream) { return all }

// A server without any answer so far does not know the upstream's clock. It then
// counts back from the time in the answer with the list.
func TestReconciliationAtAFirstCall(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			u.Advance(off)
			u.post(t, "hello")
			u.Advance(10 * time.Second)
			server := start(t, environment(t, u.env...))
			u.arm(t, fake.Fault{Effect: fake.EffectDropBefore})
			require.Equal(t, unknown(), server.send("hello").kind())
			u.arm(t, fake.Fault{Effect: fake.EffectDropAfter})
			keyed := server.wait(server.begin("tools/call", sendParams("another", nil)))
			require.Equal(t, reconciled(), keyed.kind())
			server.stop()
		})
	}
}

// There are two sends of the same content, and one message. Nobody can know whose
// it is, so neither send gets the receipt.
func TestReconciliationBesideATwin(t *testing.T) {
	u := startUpstream(t)
	server := start(t, environment(t, u.env...))
	keyed := func(key string) answer {
		return server.wait(server.begin("tools/call", sendParams("hello", map[string]any{"twilio-proxy-mcp/idempotency-key": key})))
	}
	u.arm(t, fake.Fault{Effect: fake.EffectDropBefore})
	require.Equal(t, unknown(), keyed("one").kind())
	u.arm(t, fake.Fault{Effect: fake.EffectDropAfter})
	require.Equal(t, unknown(), keyed("two").kind())
	require.Equal(t, unknown(), keyed("one").kind())
	require.Equal(t, unknown(), keyed("two").kind())
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

// The receipt of the first send was unreadable, so its message could also be the
// second's.
func TestReconciliationAfterAnUnreadableReceipt(t *testing.T) {
	u := startUpstream(t)
	server := start(t, environment(t, u.env...))
	keyed := func(key string) answer {
		return server.wait(server.begin("tools/call", sendParams("hello", map[string]any{"twilio-proxy-mcp/idempotency-key": key})))
	}
	u.arm(t, fake.Fault{Effect: fake.EffectTruncate})
	require.Equal(t, sent(), keyed("one").kind())
	u.arm(t, fake.Fault{Effect: fake.EffectDropBefore})
	require.Equal(t, unknown(), keyed("two").kind(), "the first message is not the second's receipt")
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

// Two calls look for the same lost message at once. The slower one finds that the
// ledger already has it, and returns that receipt.
func TestTwoLookForOneMessageAtOnce(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	server := start(t, environment(t, append(u.env, "TWILIO_PROXY_MCP_TIMEOUT=8s")...))
	u.arm(t, fake.Fault{Effect: fake.EffectHangAfter})
	first := server.begin("tools/call", sendParams("hello", nil))
	eventually(t, func() bool { return u.Accepted() == 1 })
	release := u.hold(t)
	second := server.begin("tools/call", sendParams("hello", nil))
	eventually(t, func() bool { return u.count("ListInteraction") == 2 }) // both have asked, and neither has an answer
	release()
	for _, answer := range []<-chan json.RawMessage{first, second} {
		got := server.wait(answer)
		require.Equal(t, "yes", got.outcome().Sent, got.text())
	}
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

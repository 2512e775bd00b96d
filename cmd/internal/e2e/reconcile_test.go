package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// What reconciliation may conclude from what stands in the session, and what
// it may not. The upstream's clock differs from ours by five minutes or not.
func TestReconciliationGuessesNothing(t *testing.T) {
	lost := func(t *testing.T, u *upstream) { u.arm(t, fake.Fault{Effect: fake.EffectDropAfter}) }
	never := func(t *testing.T, u *upstream) { u.arm(t, fake.Fault{Effect: fake.EffectDropBefore}) }
	unlisted := func(t *testing.T, u *upstream) {
		u.arm(t, fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: 503})
	}
	equal := func(t *testing.T, u *upstream) { u.post(t, "hello") } // as another program sends it
	many := func(t *testing.T, u *upstream) {
		for i := range 1001 {
			u.post(t, fmt.Sprint(i))
		}
	}
	relayed := func(t *testing.T, u *upstream) { // the other participant says the same
		_, err := u.Answer(t.Context(), fake.OtherParticipantSid, "hello")
		require.NoError(t, err)
	}
	days := func(t *testing.T, u *upstream) { u.Advance(72 * time.Hour); u.post(t, "hello") }
	older := func(t *testing.T, u *upstream) { u.post(t, "hello"); u.Advance(time.Minute) }
	for _, tc := range []struct {
		name    string
		past    []func(*testing.T, *upstream) // before the server starts
		before  []func(*testing.T, *upstream)
		between []func(*testing.T, *upstream) // the call and its repeat
		first   outcome
		repeat  outcome
	}{
		{"there it is", nil, list(lost), nil, reconciled(), replayed()},
		{"an older one beside it", list(older), list(lost), nil, reconciled(), replayed()},
		{"only an older one", list(older), list(never), nil, unknown(), unknown()},
		{"an equal one beside it", nil, list(lost, unlisted), list(equal), unknown(), unknown()},
		{"the list came back later", nil, list(lost, unlisted), nil, unknown(), reconciled()},
		{"only the other participant's", nil, list(never), list(relayed), unknown(), unknown()},
		{"the other participant's beside it", nil, list(lost, unlisted), list(relayed), unknown(), reconciled()},
		{"only one from days later", nil, list(never), list(days), unknown(), unknown()},
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
				require.Equal(t, sent(), server.send("an answer, from which the server knows the clock").kind())
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

// A server that has had no answer yet does not know the upstream's clock: it
// counts back from the answer to the look itself.
func TestReconciliationAtAFirstCall(t *testing.T) {
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

// Two sends of one content, of which one may be accepted, and nobody can say
// which: neither gets the receipt.
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

// The receipt of the first was unreadable, so that its message cannot be told
// from the second's.
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

// Two calls look for one lost message at the same moment: the slower one finds
// it known already, and says so.
func TestTwoLookForOneMessageAtOnce(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	server := start(t, environment(t, append(u.env, "TWILIO_PROXY_MCP_TIMEOUT=8s")...))
	u.arm(t, fake.Fault{Effect: fake.EffectHangAfter})
	first := server.begin("tools/call", sendParams("hello", nil))
	eventually(t, func() bool { return u.Accepted() == 1 })
	release := u.hold(t)
	second := server.begin("tools/call", sendParams("hello", nil))
	eventually(t, func() bool { return u.count("ListInteraction") == 2 }) // both look, and neither has seen
	release()
	for _, answer := range []<-chan json.RawMessage{first, second} {
		got := server.wait(answer)
		require.Equal(t, "yes", got.outcome().Sent, got.text())
	}
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// window is the duplicate window of tests that use place.age to get past it. It is longer than any test.
const window = time.Hour

func sent() outcome       { return outcome{Code: "sent", Sent: "yes"} }
func replayed() outcome   { return outcome{Code: "sent", Sent: "yes", Replayed: true} }
func reconciled() outcome { return outcome{Code: "sent", Sent: "yes", Reconciled: true} }
func unknown() outcome    { return outcome{Code: "outcome_unknown", Sent: "unknown"} }

// After each fault of the fake, the ledger has the right state. A repeat within the
// window and one after it get the right answer.
func TestFaultsEndInTheRightState(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		fault    fake.Fault
		first    outcome
		state    ledger.State
		repeat   outcome // within the window
		after    outcome // after the window
		messages int     // in the end
	}{
		{"dropped after accepting", fake.Fault{Effect: fake.EffectDropAfter}, reconciled(), ledger.Sent, replayed(), sent(), 2},
		{"truncated", fake.Fault{Effect: fake.EffectTruncate}, sent(), ledger.Sent, replayed(), sent(), 2},
		{"500 after accepting", fake.Fault{Effect: fake.EffectErrorAfter}, reconciled(), ledger.Sent, replayed(), sent(), 2},
		{"silence after accepting", fake.Fault{Effect: fake.EffectHangAfter}, reconciled(), ledger.Sent, replayed(), sent(), 2},
		{"silence", fake.Fault{Effect: fake.EffectHang}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"dropped before accepting", fake.Fault{Effect: fake.EffectDropBefore}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"503", fake.Fault{Effect: fake.EffectStatus, Status: 503}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"408", fake.Fault{Effect: fake.EffectStatus, Status: 408}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"502 in HTML", fake.Fault{Effect: fake.EffectHTML}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"login page", fake.Fault{Effect: fake.EffectPortal}, unknown(), ledger.Unknown, unknown(), unknown(), 0},
		{"another's receipt", fake.Fault{Effect: fake.EffectSwap}, sent(), ledger.Sent, replayed(), sent(), 2},
		{"429 storm", fake.Fault{Effect: fake.EffectStatus, Status: 429, Times: 1000}, outcome{Code: "try_later", Sent: "no"}, ledger.NotSent, sent(), sent(), 2},
		{"refused", fake.Fault{Effect: fake.EffectStatus, Status: 400, Code: 80607}, outcome{Code: "refused", Sent: "no"}, ledger.Refused, sent(), sent(), 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			p := sqlitePlace(t)
			env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_TIMEOUT=5s", "TWILIO_PROXY_MCP_DEADLINE=30s", "TWILIO_PROXY_MCP_DUPLICATE_WINDOW="+window.String())...)
			server := start(t, env)
			u.arm(t, tc.fault)

			got := server.send("hello")
			require.Equal(t, tc.first, got.kind(), got.text())
			require.NoError(t, u.SetFaults())
			within := server.send("hello")
			require.Equal(t, tc.repeat, within.kind(), within.text())
			entries := history(t, env)
			require.Equal(t, tc.state, entries[len(entries)-1].State)
			require.Regexp(t, "^1-", entries[len(entries)-1].ID.String())

			p.age(t, window+time.Second)
			got = server.send("hello")
			require.Equal(t, tc.after, got.kind(), got.text())
			require.Equal(t, tc.messages, u.Accepted())
			require.Equal(t, tc.messages, u.messages(t)["hello"])
			if tc.state == ledger.Unknown {
				requirePersonResolves(t, u, server, env)
			}
			server.stop()
		})
	}
}

// requirePersonResolves checks that a person can resolve an unknown outcome as
// not_sent, and that the message can then be sent.
func requirePersonResolves(t *testing.T, u *upstream, server *process, env []string) {
	t.Helper()
	entries := history(t, env)
	require.Len(t, entries, 1)
	require.Equal(t, ledger.Unknown, entries[0].State)
	_, errOut, code := run(t, env, "", "history", "resolve", entries[0].ID.String(), "not_sent")
	require.Zero(t, code, errOut)
	require.Equal(t, sent(), server.send("hello").kind())
	require.Equal(t, 1, u.Accepted())
}

// After a person resolves an entry as sent, repeats get a receipt without a SID.
func TestAPersonResolvesAsSent(t *testing.T) {
	u := startUpstream(t)
	env := environment(t, u.env...)
	server := start(t, env)
	u.arm(t, fake.Fault{Effect: fake.EffectStatus, Status: 500})
	lost := server.send("hello")
	require.Equal(t, unknown(), lost.kind())
	_, errOut, code := run(t, env, "", hinted(t, lost, "sent")...)
	require.Zero(t, code, errOut)
	got := server.send("hello")
	require.Equal(t, replayed(), got.kind())
	require.Contains(t, string(got.Result.Structured), `"sid":null`)
	require.Contains(t, got.text(), "nothing was sent again, and its receipt is not known: the fields below are those known from the request. ")
	require.Contains(t, string(got.Result.Structured), fake.ParticipantSid)
	require.Zero(t, u.Accepted())
	_, errOut, code = run(t, env, "", hinted(t, lost, "not_sent")...)
	require.NotZero(t, code)
	require.Contains(t, errOut, "not unknown")
}

// hinted are the arguments of the command that the text of a lost message gives its reader.
func hinted(t *testing.T, lost answer, state string) []string {
	t.Helper()
	found := regexp.MustCompile(`"twilio-proxy-mcp (history resolve [^ ]+) sent"`).FindStringSubmatch(lost.text())
	require.NotNil(t, found, lost.text())
	require.Equal(t, "history resolve "+lost.outcome().LedgerID, found[1])
	return append(strings.Fields(found[1]), state)
}

// Somebody types what a hint says in a shell that points at another ledger. There, too, a message is lost, under the same
// number. It must not be freed.
func TestAHintSettlesNothingInAnotherLedger(t *testing.T) {
	onBothEngines(t, func(t *testing.T, p place) {
		u := startUpstream(t)
		other := sqlitePlace(t)
		server := start(t, environment(t, append(u.env, p.env())...))
		standard := environment(t, u.env...)
		shells := [][]string{environment(t, append(u.env, other.env())...), standard}
		u.arm(t, fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: 500, Times: 3})
		lost := server.send("hello")
		require.Equal(t, unknown(), lost.kind())
		for _, shell := range shells {
			there := start(t, shell)
			require.Equal(t, unknown(), there.send("hello").kind())
			entries := history(t, shell)
			require.Regexp(t, "^1-", entries[0].ID.String())
			require.NotEqual(t, lost.outcome().LedgerID, entries[0].ID.String())

			_, errOut, code := run(t, shell, "", hinted(t, lost, "not_sent")...)
			require.NotZero(t, code)
			require.Contains(t, errOut, "was not changed")
			require.Contains(t, errOut, "another message under this number, so the ID is of another ledger")
			require.Contains(t, errOut, "--ledger")
			require.Equal(t, entries, history(t, shell))
			require.Equal(t, unknown(), there.send("hello").kind())
			there.stop()
		}
		// The hints of the version before gave the number alone.
		for _, shell := range shells {
			entries := history(t, shell)
			_, errOut, code := run(t, shell, "", "history", "resolve", "1", "not_sent")
			require.Equal(t, 2, code)
			require.Contains(t, errOut, "entry 1 was not changed")
			require.Equal(t, entries, history(t, shell))
		}
		require.Zero(t, u.Accepted())

		_, errOut, code := run(t, append(standard, p.env()), "", hinted(t, lost, "not_sent")...)
		require.Zero(t, code, errOut)
		require.Equal(t, sent(), server.send("hello").kind())
		require.Equal(t, 1, u.Accepted())
		server.stop()
	})
}

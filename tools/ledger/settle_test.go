package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSettlingIsACompareAndSet(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		sent := Settlement{State: Sent, Sid: sid("KI", "a")}
		settle(t, c, sent)
		settle(t, c, sent) // again in the same way
		require.ErrorIs(t, c.Settle(t.Context(), Settlement{State: NotSent}), ErrClaimLost)
		require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
		require.Equal(t, Sent, entry(t, l, c.ID).State)
	})
}

func TestAnOwnersLateAnswerSettlesWhatWasTakenForUnknown(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET state = 'unknown', settled = {now} WHERE id = $1", c.ID.number)
		require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
		require.Equal(t, Sent, entry(t, l, c.ID).State)
	})
}

func TestReconcile(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		sent := func(letter string) Settlement { return Settlement{State: Sent, Sid: sid("KI", letter)} }
		settle(t, claim(t, l, intent("other")), sent("b"))
		began := time.UnixMilli(1_700_000_000_000)
		in := intent("hello")
		in.UpstreamBegun = func() time.Time { return began }
		c := claim(t, l, in)
		settle(t, c, Settlement{State: Unknown})
		require.True(t, began.Equal(entry(t, l, c.ID).UpstreamBegun))

		require.ErrorIs(t, l.Reconcile(t.Context(), ID{number: 999}, sent("a")), ErrNotFound)
		require.ErrorIs(t, l.Reconcile(t.Context(), c.ID, sent("b")), ErrSidKnown)
		require.Error(t, l.Reconcile(t.Context(), c.ID, Settlement{State: Sent}))
		require.Equal(t, Unknown, entry(t, l, c.ID).State)

		require.NoError(t, l.Reconcile(t.Context(), c.ID, sent("a")))
		require.Equal(t, sid("KI", "a"), entry(t, l, c.ID).Sid)
		require.ErrorIs(t, l.Reconcile(t.Context(), c.ID, sent("a")), ErrNotUnresolved)
		require.Equal(t, Replay, decide(t, l, intent("hello")).Verdict)

		known, err := l.KnownSid(t.Context(), sid("KI", "a"))
		require.NoError(t, err)
		require.True(t, known)
		known, err = l.KnownSid(t.Context(), sid("KI", "c"))
		require.NoError(t, err)
		require.False(t, known)
	})
}

func TestReconcileDoesNotGuess(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		for _, c := range []struct {
			name  string
			other func(*Intent)
			ends  *Settlement // of the other send; nil leaves it claimed
			twins bool
		}{
			{"another is unknown", func(in *Intent) { in.Key = "l" }, &Settlement{State: Unknown}, true},
			{"another is claimed", func(in *Intent) { in.Key = "l" }, nil, true},
			{"another caller's", func(in *Intent) { in.Scope.Caller = "someone" }, nil, true},
			{"another name of the account", func(in *Intent) { in.Scope.Account = "(API key)" }, nil, true},
			{"another looks the same", func(in *Intent) { in.Content = []byte("hello + media") }, nil, true},
			{"another's receipt is missing", func(in *Intent) { in.Key = "l" }, &Settlement{State: Sent}, true},
			{"another's is known", func(in *Intent) { in.Key = "l" }, &Settlement{State: Sent, Sid: sid("KI", "b")}, false},
			{"another was refused", func(in *Intent) { in.Key = "l" }, &Settlement{State: Refused}, false},
			{"another participant's", func(in *Intent) { in.Participant = sid("KP", "b") }, nil, false},
			{"another host's", func(in *Intent) { in.Scope.Host = "fake" }, nil, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				sqlOn(t, p.open(t), "DELETE FROM twilio_proxy_mcp_sends")
				l := p.open(t)
				in := keyed("hello", "k")
				in.Listed = []byte("hello")
				lost := claim(t, l, in)
				settle(t, lost, Settlement{State: Unknown})
				in.Key = "other"
				c.other(&in)
				other := claim(t, l, in)
				if c.ends != nil {
					settle(t, other, *c.ends)
				}
				twins, err := l.Ambiguous(t.Context(), lost.ID)
				require.NoError(t, err)
				require.Equal(t, c.twins, twins)
				err = l.Reconcile(t.Context(), lost.ID, Settlement{State: Sent, Sid: sid("KI", "a")})
				if c.twins {
					require.ErrorIs(t, err, ErrAmbiguous)
				} else {
					require.NoError(t, err)
				}
			})
		}
	})
}

func TestOneInteractionIsInOneEntry(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		settle(t, claim(t, l, intent("1")), Settlement{State: Sent, Sid: sid("KI", "a")})
		c := claim(t, l, intent("2"))
		require.ErrorIs(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a")}), ErrSidKnown)
		settle(t, c, Settlement{State: Unknown})
	})
}

func TestAPersonResolves(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		for _, c := range []struct {
			word State
			then Verdict
		}{{Sent, Replay}, {NotSent, Granted}} {
			in := intent(string(c.word))
			lost := claim(t, l, in)
			require.ErrorIs(t, l.Resolve(t.Context(), lost.ID, c.word), ErrOwnerAlive)
			settle(t, lost, Settlement{State: Unknown})
			require.NoError(t, l.Resolve(t.Context(), lost.ID, c.word))
			require.ErrorIs(t, l.Resolve(t.Context(), lost.ID, c.word), ErrNotUnresolved)
			require.Equal(t, c.then, decide(t, l, in).Verdict)
		}
		require.ErrorIs(t, l.Resolve(t.Context(), ID{number: 999}, Sent), ErrNotFound)
		require.Error(t, l.Resolve(t.Context(), ID{number: 1}, Refused))
	})
}

func TestSettlementsThatAreNone(t *testing.T) {
	l := place{engine: "memory"}.open(t)
	c := claim(t, l, intent("hello"))
	for _, s := range []Settlement{
		{State: Claimed}, {}, {State: Sent, Receipt: []byte(`"hello`)}, {State: Unknown, Sid: sid("KI", "a")},
	} {
		err := c.Settle(t.Context(), s)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hello")
	}
	require.NoError(t, c.Stands(t.Context()))
}

func TestHistory(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		settle(t, claim(t, l, keyed("1", "k")), Settlement{State: Sent, Sid: sid("KI", "a"), Receipt: []byte(`{"type":"Message"}`)})
		settle(t, claim(t, l, intent("2")), Settlement{State: Refused, Code: "20404", RequestID: "RQ2"})
		settle(t, claim(t, l, intent("2")), Settlement{State: Sent}) // the refused one stays in the history
		other := intent("3")
		other.Session, other.Participant = sid("KC", "b"), sid("KP", "b")
		claim(t, l, other)
		sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET begun = begun - 3600000 WHERE state = 'refused'")
		for _, c := range []struct {
			filter Filter
			states []State
		}{
			{Filter{}, []State{Claimed, Sent, Refused, Sent}},
			{Filter{Limit: 2}, []State{Claimed, Sent}},
			{Filter{State: Refused}, []State{Refused}},
			{Filter{Session: sid("KC", "b")}, []State{Claimed}},
			{Filter{Participant: sid("KP", "a"), State: Sent}, []State{Sent, Sent}},
			{Filter{Within: time.Minute}, []State{Claimed, Sent, Sent}},
		} {
			entries, err := l.History(t.Context(), c.filter)
			require.NoError(t, err)
			var states []State
			for _, e := range entries {
				states = append(states, e.State)
			}
			require.Equal(t, c.states, states, "%+v", c.filter)
		}
		entries, err := l.History(t.Context(), Filter{State: Refused})
		require.NoError(t, err)
		require.Equal(t, "20404", entries[0].Code)
		require.Equal(t, "RQ2", entries[0].RequestID)
		require.False(t, entries[0].Keyed)
		require.Equal(t, sid("KS", "a"), entries[0].Service)
		require.Equal(t, sid("AC", "a"), entries[0].Account)
	})
}

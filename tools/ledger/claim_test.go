package ledger

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRepeatOfASentMessageIsAReplay(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		require.NoError(t, c.Stands(t.Context()))
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a"), RequestID: "RQ1",
			Receipt: []byte(`{"sid":"` + sid("KI", "a") + `","data":"hello","Data":"hello"}`)})

		d := decide(t, l, intent("hello"))
		require.Equal(t, Replay, d.Verdict)
		require.Equal(t, c.ID, d.Entry.ID)
		require.Equal(t, Sent, d.Entry.State)
		require.Equal(t, sid("KI", "a"), d.Entry.Sid)
		require.JSONEq(t, `{"sid":"`+sid("KI", "a")+`"}`, string(d.Entry.Receipt))
		require.WithinRange(t, d.Entry.Settled, d.Entry.Begun, d.Entry.Read)
		require.WithinDuration(t, time.Now(), d.Entry.Read, time.Minute)
	})
}

func TestWhichCallsAreTheSame(t *testing.T) {
	other := func(change func(*Intent)) Intent {
		in := intent("hello")
		change(&in)
		return in
	}
	none := func(in Intent) Intent { in.Window = 0; return in }
	const within, after = 119 * time.Second, 121 * time.Second
	cases := []struct {
		name  string
		first Intent
		state State
		age   time.Duration // of the first one's settlement, when the second call comes
		then  Intent
		want  Verdict
	}{
		{"within the window", intent("hello"), Sent, within, intent("hello"), Replay},
		{"after the window", intent("hello"), Sent, after, intent("hello"), Granted},
		{"the clock went back", intent("hello"), Sent, -5 * time.Minute, intent("hello"), Replay},
		{"no window", intent("hello"), Sent, 0, none(intent("hello")), Granted},
		{"other content", intent("hello"), Sent, 0, intent("hello!"), Granted},
		{"other participant", intent("hello"), Sent, 0, other(func(in *Intent) { in.Participant = sid("KP", "b") }), Granted},
		{"other caller", intent("hello"), Sent, 0, other(func(in *Intent) { in.Scope.Caller = "someone" }), Granted},
		{"other host", intent("hello"), Sent, 0, other(func(in *Intent) { in.Scope.Host = "fake" }), Granted},
		{"other account", intent("hello"), Sent, 0, other(func(in *Intent) { in.Scope.Account = sid("AC", "b") }), Granted},
		{"refused", intent("hello"), Refused, 0, intent("hello"), Granted},
		{"not sent", intent("hello"), NotSent, 0, intent("hello"), Granted},
		{"unknown, a year old", intent("hello"), Unknown, 365 * 24 * time.Hour, intent("hello"), Unresolved},
		{"unknown, no window", intent("hello"), Unknown, after, none(intent("hello")), Unresolved},
		{"same key at any time", keyed("hello", "k"), Sent, 365 * 24 * time.Hour, keyed("hello", "k"), Replay},
		{"same key, other content", keyed("hello", "k"), Sent, 365 * 24 * time.Hour, keyed("hello!", "k"), Conflict},
		{"same key, other content, refused", keyed("hello", "k"), Refused, 0, keyed("hello!", "k"), Conflict},
		{"same key, refused", keyed("hello", "k"), Refused, 0, keyed("hello", "k"), Granted},
		{"same key, unknown", keyed("hello", "k"), Unknown, after, keyed("hello", "k"), Unresolved},
		{"same key, other caller", keyed("hello", "k"), Sent, 0, func() Intent {
			in := keyed("hello!", "k")
			in.Scope.Caller = "someone"
			return in
		}(), Granted},
		{"another key within the window", keyed("hello", "k"), Sent, 0, keyed("hello", "l"), Granted},
		{"another key while one is unknown", keyed("hello", "k"), Unknown, 0, keyed("hello", "l"), Granted},
		{"no key after a key, within", keyed("hello", "k"), Sent, within, intent("hello"), Replay},
		{"no key after a key, after", keyed("hello", "k"), Sent, after, intent("hello"), Granted},
		{"no key while a key is unknown", keyed("hello", "k"), Unknown, after, intent("hello"), Unresolved},
		{"a key after none", intent("hello"), Sent, 0, keyed("hello", "k"), Granted},
		{"a key while none is unknown", intent("hello"), Unknown, after, keyed("hello", "k"), Unresolved},
	}
	everywhere(t, func(t *testing.T, p place) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				sqlOn(t, p.open(t), "DELETE FROM twilio_proxy_mcp_sends")
				l := p.open(t)
				settle(t, claim(t, l, c.first), Settlement{State: c.state})
				sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET begun = begun - $1, settled = settled - $1", c.age.Milliseconds())
				known, err := l.Known(t.Context(), c.then)
				require.NoError(t, err)
				got := decide(t, l, c.then)
				require.Equal(t, c.want, got.Verdict)
				if c.want == Granted {
					require.Zero(t, known)
					known, err = untilAwaited(t, l, (*Ledger).Known, c.then)
					require.ErrorIs(t, err, ErrInProgress)
					require.Zero(t, known)
				} else {
					require.Equal(t, got.Verdict, known.Verdict)
					require.Equal(t, got.Entry.ID, known.Entry.ID)
				}
			})
		}
	})
}

func TestCallersAtTheSameMomentShareOneSend(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		first, second := p.open(t), p.open(t)
		if p.engine == "memory" {
			second = first
		}
		c := claim(t, first, intent("hello"))
		shared := make(chan Decision)
		for _, waiter := range []*Ledger{first, first, second, second} {
			go func() {
				d, err := waiter.Claim(context.Background(), intent("hello"))
				if err != nil {
					d.Verdict = -1
				}
				shared <- d
			}()
		}
		select {
		case <-shared:
			require.FailNow(t, "a caller did not wait")
		case <-time.After(50 * time.Millisecond):
		}
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
		for range 4 {
			d := <-shared
			require.Equal(t, Replay, d.Verdict)
			require.Equal(t, sid("KI", "a"), d.Entry.Sid)
		}
	})
}

func TestWhoWaitedSharesTheSendEvenWithoutAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Ledger{Memory: true}
		defer l.Close()
		in := intent("hello")
		in.Window = 0
		c := claim(t, l, in)
		var shared Decision
		var err error
		go func() { shared, err = l.Claim(t.Context(), in) }()
		synctest.Wait()
		require.Zero(t, shared)
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
		synctest.Wait()
		require.NoError(t, err)
		require.Equal(t, Replay, shared.Verdict)
		require.Equal(t, c.ID, shared.Entry.ID)
		require.Equal(t, Granted, decide(t, l, in).Verdict)
	})
}

// Until bounds what is granted, not the wait for another send.
func TestAWaitMayGoOnWhenItIsTooLateToSend(t *testing.T) {
	for state, want := range map[State]struct {
		verdict Verdict
		err     error
	}{Sent: {Replay, nil}, Unknown: {Unresolved, nil}, Refused: {0, ErrTooLate}, NotSent: {0, ErrTooLate}} {
		for _, ask := range []func(*Ledger, context.Context, Intent) (Decision, error){(*Ledger).Claim, (*Ledger).Known} {
			synctest.Test(t, func(t *testing.T) {
				l := &Ledger{Memory: true}
				defer l.Close()
				first := claim(t, l, intent("hello"))
				in := intent("hello")
				in.Window, in.Until = 0, time.Now().Add(time.Minute)
				var got Decision
				var err error
				go func() { got, err = ask(l, t.Context(), in) }()
				time.Sleep(2 * time.Minute)
				settle(t, first, Settlement{State: state})
				synctest.Wait()
				require.ErrorIs(t, err, want.err)
				require.Equal(t, want.verdict, got.Verdict, state)
				_, err = l.Claim(t.Context(), in)
				require.ErrorIs(t, err, ErrTooLate)
			})
		}
	}
}

func TestTheUpstreamsClockIsReadWhenTheClaimIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Ledger{Memory: true}
		defer l.Close()
		first := claim(t, l, intent("hello"))
		in := intent("hello")
		in.UpstreamBegun = time.Now
		var waited Decision
		var err error
		go func() { waited, err = l.Claim(t.Context(), in) }()
		time.Sleep(time.Minute)
		freed := time.Now()
		settle(t, first, Settlement{State: NotSent})
		synctest.Wait()
		require.NoError(t, err)
		require.Equal(t, Granted, waited.Verdict)
		require.True(t, freed.Equal(waited.Entry.UpstreamBegun), waited.Entry.UpstreamBegun)
	})
}

func TestAnEndedWaitGrantsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		d, err := untilAwaited(t, l, (*Ledger).Claim, intent("hello"))
		require.ErrorIs(t, err, ErrInProgress)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, d)
		settle(t, c, Settlement{State: NotSent})
		settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	})
}

func TestACancelledCallClaimsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		require.NoError(t, l.Open(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := l.Claim(ctx, intent("hello"))
		require.Error(t, err)
		entries, err := l.History(t.Context(), Filter{State: Claimed})
		require.NoError(t, err)
		require.Empty(t, entries)
	})
}

func TestLimits(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		limited := func(content, participant, caller string) Intent {
			in := intent(content)
			in.Participant, in.Scope.Caller = participant, caller
			in.Limits = Limits{PerParticipantPerMinute: 2, PerMinute: 3}
			return in
		}
		settle(t, claim(t, l, limited("1", sid("KP", "a"), "x")), Settlement{State: Sent})
		settle(t, claim(t, l, limited("2", sid("KP", "a"), "y")), Settlement{State: Refused})
		settle(t, claim(t, l, limited("3", sid("KP", "a"), "y")), Settlement{State: Unknown})

		d := decide(t, l, limited("4", sid("KP", "a"), "x"))
		require.Equal(t, OverLimit, d.Verdict)
		require.True(t, d.PerParticipant)
		require.Greater(t, d.RetryAfter, 50*time.Second)
		require.LessOrEqual(t, d.RetryAfter, time.Minute)
		require.Equal(t, Replay, decide(t, l, limited("1", sid("KP", "a"), "x")).Verdict)

		settle(t, claim(t, l, limited("5", sid("KP", "b"), "x")), Settlement{State: Sent})
		d = decide(t, l, limited("6", sid("KP", "c"), "x"))
		require.Equal(t, OverLimit, d.Verdict)
		require.False(t, d.PerParticipant)

		sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET begun = begun - $1", 61_000)
		require.Equal(t, Granted, decide(t, l, limited("4", sid("KP", "a"), "x")).Verdict)

		sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET begun = {now} + $1", 3600_000) // the clock went back
		d = decide(t, l, limited("7", sid("KP", "a"), "x"))
		require.Equal(t, OverLimit, d.Verdict)
		require.InDelta(t, (time.Hour + time.Minute).Seconds(), d.RetryAfter.Seconds(), 5, "as long as it takes by this clock")
	})
}

func TestIntentsThatAreNone(t *testing.T) {
	for _, change := range []func(*Intent){
		func(in *Intent) { in.Scope.Account = "" },
		func(in *Intent) { in.Participant = "" },
		func(in *Intent) { in.Content = nil },
		func(in *Intent) { in.Window = -1 },
		func(in *Intent) { in.Key = string(make([]rune, 256)) },
	} {
		in := intent("hello")
		change(&in)
		l := &Ledger{Memory: true}
		_, err := l.Claim(t.Context(), in)
		require.Error(t, err)
		require.Nil(t, l.store)
	}
}

func TestNothingRunsBeforeTheFirstUseOrAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		l := &Ledger{Memory: true}
		require.NoError(t, l.Close())
		_, err := l.Claim(t.Context(), intent("hello"))
		require.ErrorIs(t, err, ErrClosed)
	})
	l := &Ledger{}
	err := l.Open(t.Context())
	var unusable *UnavailableError
	require.True(t, errors.As(err, &unusable))
}

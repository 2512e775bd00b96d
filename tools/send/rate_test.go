package send

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// takeTurns takes so many turns, those of the future included, and waits for none.
func (b *bench) takeTurns(n int) {
	gone, leave := context.WithCancel(b.t.Context())
	leave()
	for range n {
		require.ErrorIs(b.t, b.Client.WaitToSend(gone, serviceSid, time.Now().Add(time.Minute)), context.Canceled)
	}
}

// What a caller hears: nothing was sent, and the fake agrees.
func TestRateLimitedCallsAreSurelyNotSent(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 3*time.Second })
	for range 5 { // without a send, which takes its time
		require.NoError(t, b.Client.WaitToSend(t.Context(), serviceSid, time.Now().Add(time.Minute)))
	}
	got := b.send("one too many")
	require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, RetryAfterSeconds: 5}, got.outcome())
	requireOneWord(t, got)
	require.Zero(t, f.Accepted())
}

// Without a turn a repeat still hears what became of the first call, not that nothing was sent.
func TestARepeatNeedsNoTurn(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 4*time.Second })
	first := b.send("went out")
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}, fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: 503, Times: 10}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.send("nobody knows").outcome().Code)
	b.takeTurns(15) // far more than the deadline leaves room for
	again := b.send("went out")
	require.True(t, again.outcome().Replayed, again.Content[0].Text)
	require.Equal(t, first.receipt(), again.receipt())
	require.Equal(t, tools.CodeOutcomeUnknown, b.send("nobody knows").outcome().Code)
	got := b.send("new")
	require.Equal(t, tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, RetryAfterSeconds: 5}, got.outcome())
	require.Equal(t, 2, f.Accepted())
}

func TestARepeatOfASendUnderWayIsNotCalledUnsent(t *testing.T) {
	f := newFake(t)
	arrived, gate := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrive()
		<-gate
		f.ServeHTTP(w, r)
	}), func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 4*time.Second })
	first := make(chan answered)
	go func() { first <- b.send("on its way") }()
	<-arrived
	b.takeTurns(15) // far more than the deadline leaves room for
	again := b.send("on its way")
	require.Equal(t, tools.Outcome{Code: tools.CodeOutcomeUnknown, Sent: tools.SentUnknown, LedgerID: again.outcome().LedgerID}, again.outcome())
	close(gate)
	<-first
}

// A repeat that has no turn waits for the first call. What that call comes to is this one's outcome, too, except that a message
// that surely was not sent would be sent now, and has no turn.
func TestARepeatWithoutATurnHearsHowTheFirstEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		fault         fake.Fault
		first, repeat tools.Code
		sent          int
	}{
		"sent":      {fake.Fault{}, tools.CodeSent, tools.CodeSent, 1},
		"found":     {fake.Fault{Effect: fake.EffectDropAfter}, tools.CodeSent, tools.CodeSent, 1},
		"lost":      {fake.Fault{Effect: fake.EffectDropBefore}, tools.CodeOutcomeUnknown, tools.CodeOutcomeUnknown, 0},
		"refused":   {fake.Fault{Effect: fake.EffectStatus, Status: 400}, tools.CodeRefused, tools.CodeTryLater, 0},
		"throttled": {fake.Fault{Effect: fake.EffectStatus, Status: 429, Header: map[string]string{"Retry-After": "1"}, Times: 9}, tools.CodeTryLater, tools.CodeTryLater, 0},
	} {
		for _, key := range []string{"", `{"twilio-proxy-mcp/idempotency-key": "k"}`} {
			t.Run(name+key, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				arrived, gate := make(chan struct{}), make(chan struct{})
				arrive, open := sync.OnceFunc(func() { close(arrived) }), sync.OnceFunc(func() { close(gate) })
				defer open()
				b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						arrive()
						<-gate
					}
					f.ServeHTTP(w, r)
				}), func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 4*time.Second })
				if tc.fault.Effect != "" {
					require.NoError(t, f.Arm(tc.fault))
				}
				first, repeat := make(chan answered, 1), make(chan answered, 1)
				go func() { first <- b.call(arguments("on its way"), key) }()
				<-arrived
				b.takeTurns(15) // far more than the deadline leaves room for
				go func() { repeat <- b.call(arguments("on its way"), key) }()
				select {
				case early := <-repeat:
					require.Fail(t, "the repeat did not wait", early.text())
				case <-time.After(50 * time.Millisecond): // the first takes its time
				}
				open()
				one, other := <-first, <-repeat
				require.Equal(t, tc.first, one.outcome().Code, one.text())
				require.Equal(t, tc.repeat, other.outcome().Code, other.text())
				require.Equal(t, tc.sent, f.Accepted())
				if tc.sent > 0 {
					require.Equal(t, one.receipt()["sid"], other.receipt()["sid"])
				}
			})
		}
	}
}

// A call that waits for its turn has claimed nothing yet. An equal one does not take its message for one that nobody sends.
func TestEqualCallsThatWaitForATurnShareOne(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 10*time.Second })
	b.takeTurns(9) // the next is the last in time for this deadline
	got := make(chan answered)
	for range 3 {
		go func() { got <- b.send("hello") }()
	}
	replays := 0
	for range 3 {
		a := <-got
		require.Equal(t, tools.CodeSent, a.outcome().Code, a.text())
		if a.outcome().Replayed {
			replays++
		}
	}
	require.Equal(t, 2, replays)
	require.Equal(t, 1, f.Accepted())
}

// The first may end later than a repeat could begin a send of its own.
func TestARepeatWaitsLongerThanASendMayBegin(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Deadline = 7500 * time.Millisecond })
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(b.Deadline - 3*b.reserve()/2)}))
	got := make(chan answered)
	for range 2 {
		go func() { got <- b.send("hello") }()
	}
	for range 2 {
		a := <-got
		require.Equal(t, tools.CodeSent, a.outcome().Code, a.text())
	}
	require.Equal(t, 1, f.Accepted())
}

// Whoever gives up while there is no turn hears that, with a ledger and without.
func TestACallCancelledWithoutATurn(t *testing.T) {
	for name, change := range map[string]func(*Config){"ledger": func(*Config) {}, "none": func(c *Config) { c.Ledger = nil }} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			b := newBench(t, f, func(c *Config) { c.Client.RateLimit = 1; change(c) })
			for range 5 {
				require.NoError(t, b.Client.WaitToSend(t.Context(), serviceSid, time.Now().Add(time.Minute)))
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			encoded := b.callIn(ctx, arguments("new"), "")
			require.Contains(t, string(encoded), "The call was cancelled while it waited for its turn.")
			require.Zero(t, f.Accepted())
		})
	}
}

func TestCapsAnswerNotAllowed(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Limits.PerParticipantPerMinute = 2 })
	began := time.Now()
	require.Equal(t, tools.CodeSent, b.send("1").outcome().Code)
	require.Equal(t, tools.CodeSent, b.send("2").outcome().Code)
	require.True(t, b.send("2").outcome().Replayed, "a replay is no send")
	got := b.send("3")
	require.Equal(t, tools.CodeNotAllowed, got.outcome().Code)
	require.Equal(t, tools.SentNo, got.outcome().Sent)
	require.LessOrEqual(t, got.outcome().RetryAfterSeconds, int64(60))
	require.Greater(t, got.outcome().RetryAfterSeconds, int64((time.Minute-time.Since(began)).Seconds())-1, "a minute after the first")
	require.Contains(t, got.text(), "--max-sends-per-participant")
	require.Equal(t, 2, f.Accepted())
}

// A try after a 429 is a request like any other.
func TestTriesAfterA429WaitForTheirTurn(t *testing.T) {
	for name, change := range map[string]func(*Config){"ledger": func(*Config) {}, "none": func(c *Config) { c.Ledger = nil }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 4*time.Second; change(c) })
			require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectStatus, Status: http.StatusTooManyRequests, Times: 1000}))
			var calls sync.WaitGroup
			for i := range 4 {
				calls.Go(func() {
					got := b.send(fmt.Sprint(i))
					if got.outcome().Code != tools.CodeTryLater || got.outcome().Sent != tools.SentNo {
						t.Error(got.text())
					}
				})
			}
			calls.Wait() // in less than a window
			require.LessOrEqual(t, len(f.Requests()), 5)
			require.Zero(t, f.Accepted())
		})
	}
}

// Without a turn nobody looks for a lost message, which stays unknown.
func TestLooksWaitForTheirTurn(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 4*time.Second })
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectStatus, Status: http.StatusServiceUnavailable}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.send("nobody knows").outcome().Code)
	for range 12 {
		require.Equal(t, tools.CodeOutcomeUnknown, b.send("nobody knows").outcome().Code)
	}
	require.LessOrEqual(t, len(f.Requests()), 1+5)
}

// A look whose turn comes when there is no time to record what it finds is not waited for.
func TestALookLeavesTimeToRecordWhatItFinds(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 5500*time.Millisecond })
	for range 5 { // the next turn comes in five seconds
		for _, err := range b.Client.ListInteractions(t.Context(), serviceSid, schema.MustSid[schema.KC](fake.SessionSid), twilio.Paging{MaxPages: 1}) {
			require.NoError(t, err)
		}
	}
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropAfter}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.send("hello").outcome().Code)
	require.Len(t, f.Requests(), 6)
}

// Without a turn and without an answer of the ledger's nobody can say whether this is a repeat. What could not begin in time
// leaves the rest of its deadline unused: a send needs that to be recorded.
func TestACallWithoutATurnAndWithoutALedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	f := newFake(t)
	b := newBench(t, f, func(c *Config) {
		c.Client.RateLimit, c.Deadline, c.Ledger = 1, 4*time.Second, &ledger.Ledger{Path: path}
		t.Cleanup(func() { c.Ledger.Close() })
	})
	require.Equal(t, tools.CodeSent, b.send("went out").outcome().Code)
	lockFile(t, path)
	for range 4 {
		require.NoError(t, b.Client.WaitToSend(t.Context(), serviceSid, time.Now()))
	}
	began := time.Now()
	got := b.send("went out")
	require.Less(t, time.Since(began), b.Deadline-b.reserve())
	require.Equal(t, tools.CodeTryLater, got.outcome().Code)
	require.Contains(t, got.text(), "whether an earlier call sent this message cannot be looked up either")
	require.Equal(t, 1, f.Accepted())
}

package send

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// Each of several repeats without a turn hears how the first ended, even if that is later than a send may begin.
func TestRepeatsWithoutATurnWaitLongerThanASendMayBegin(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f, func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 5*time.Second })
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(b.Deadline - 3*b.reserve()/2)}))
	got := make(chan answered)
	go func() { got <- b.send("hello") }()
	require.Eventually(t, func() bool { return f.Accepted() == 1 }, time.Second, time.Millisecond)
	b.takeTurns(15)
	for range 2 {
		go func() { got <- b.send("hello") }()
	}
	for range 3 {
		a := <-got
		require.Equal(t, tools.CodeSent, a.outcome().Code, a.text())
	}
}

// Two keys are two intentions, and so are two participants. One does not wait with the other's repeats.
func TestACallWithoutATurnDoesNotWaitForAnotherMessage(t *testing.T) {
	const one, two = `{"twilio-proxy-mcp/idempotency-key":"one"}`, `{"twilio-proxy-mcp/idempotency-key":"two"}`
	toOther := json.RawMessage(strings.ReplaceAll(string(arguments("hello")), fake.ParticipantSid, fake.OtherParticipantSid))
	for name, tc := range map[string]struct {
		key, otherKey string
		other         json.RawMessage
	}{"keys": {one, two, arguments("hello")}, "participants": {"", "", toOther}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			var posts atomic.Int32
			gate := make(chan struct{})
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && posts.Add(1) == 1 {
					<-gate
				}
				f.ServeHTTP(w, r)
			}), func(c *Config) { c.Client.RateLimit, c.Deadline = 1, 10*time.Second })
			var calls sync.WaitGroup
			defer calls.Wait()
			defer close(gate)
			calls.Go(func() { b.call(arguments("hello"), tc.key) })
			require.Eventually(t, func() bool { return posts.Load() == 1 }, time.Second, time.Millisecond)
			b.takeTurns(4)
			calls.Go(func() { b.call(arguments("hello"), tc.key) })
			time.Sleep(50 * time.Millisecond) // now the repeat waits for the first
			got := b.call(tc.other, tc.otherKey)
			require.Equal(t, tools.CodeSent, got.outcome().Code, got.text())
		})
	}
}

package find

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

func seen(status string) Followed {
	return Followed{Status: &status, Final: statuses[status].final}
}

// The looks get rarer, the last is at the end of the wait, and a status that never ends is never final.
func TestAWaitLooksWithPausesAndEnds(t *testing.T) {
	for wait, want := range map[int][]int{0: nil, 1: {1}, 5: {1, 3, 5}, 12: {1, 3, 6, 11, 12}, 40: {1, 3, 6, 11, 16, 21, 26, 31, 36, 40}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tools.DefaultDeadline)
			defer cancel()
			var looks []int
			w, call := beginWaiting(ctx, time.Duration(wait)*time.Second), &tools.Call{}
			got := w.await(ctx, call, seen("sent"), func(context.Context) (Followed, error) {
				looks = append(looks, int(time.Since(w.begun).Seconds()))
				return seen("sent"), nil
			})
			require.Equal(t, want, looks)
			require.Equal(t, time.Duration(wait)*time.Second, time.Since(w.begun))
			require.False(t, got.Final)
			require.True(t, w.latest.Before(w.begun.Add(tools.DefaultDeadline)))
		})
	}
}

// Looks that take long do not make the wait longer by more than one of them, which ends before the call's deadline.
func TestTheLastLookEndsBeforeTheDeadline(t *testing.T) {
	for _, deadline := range []time.Duration{time.Second, 2 * time.Second, 10 * time.Second, tools.DefaultDeadline, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			w := beginWaiting(ctx, maxWait*time.Second)
			looking, stop := context.WithDeadline(ctx, w.latest)
			defer stop()
			got := w.await(ctx, &tools.Call{}, seen("queued"), func(context.Context) (Followed, error) {
				<-looking.Done()
				return Followed{}, looking.Err()
			})
			require.Equal(t, "queued", *got.Status)
			require.NoError(t, ctx.Err(), "there is time to answer")
			require.True(t, w.until.Before(w.latest))
		})
	}
}

// What is known is not lost when a later look fails. A look that may succeed next time is repeated, another is not.
func TestAFailedLookKeepsWhatIsKnown(t *testing.T) {
	status := func(code int) error { return &twilio.Error{Status: code, FromTwilio: true} }
	for name, tc := range map[string]struct {
		err   error
		looks int
	}{
		"unreachable": {errors.New("no route"), 4}, "no turn": {twilio.ErrNoTurn, 4}, "another": {twilio.ErrAnother, 4},
		"408": {status(408), 4}, "503": {status(503), 4}, "a portal": {status(200), 4},
		"302": {status(302), 1}, "401": {status(401), 1}, "404": {status(404), 1}, "429": {status(429), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			looks := 0
			w := beginWaiting(t.Context(), 7*time.Second)
			got := w.await(t.Context(), &tools.Call{}, seen("sent"), func(context.Context) (Followed, error) { looks++; return Followed{}, tc.err })
			require.Equal(t, seen("sent"), got, name)
			require.Equal(t, tc.looks, looks, name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		w := beginWaiting(t.Context(), 7*time.Second)
		got := w.await(t.Context(), &tools.Call{}, seen("sent"), func(context.Context) (Followed, error) {
			if looks++; looks < 3 {
				return Followed{}, status(503)
			}
			return seen("delivered"), nil
		})
		require.Equal(t, seen("delivered"), got)
		require.Equal(t, 6*time.Second, time.Since(w.begun))
	})
}

// An upstream that calls before at each request, with its number.
func numbered(f http.Handler, before func(n int32, w http.ResponseWriter, r *http.Request) (answered bool)) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !before(n.Add(1), w, r) {
			f.ServeHTTP(w, r)
		}
	}
}

// listening is a client that hears of progress.
type listening struct {
	*server.InProcessSession
	told chan mcp.JSONRPCNotification
}

func (l listening) NotificationChannel() chan<- mcp.JSONRPCNotification { return l.told }

func TestAWaitEndsWhenTheStatusIsFinal(t *testing.T) {
	t.Parallel()
	upstream := stoppedFake(t, fake.Config{})
	f := newFollower(t, numbered(upstream, func(n int32, _ http.ResponseWriter, _ *http.Request) bool {
		if n == 2 {
			upstream.Advance(2 * time.Second)
		}
		return false
	}))
	client := listening{server.NewInProcessSession("s", nil), make(chan mcp.JSONRPCNotification, 10)}
	ctx := server.NewMCPServer("test", "0").WithContext(t.Context(), client)
	got := f.ask(ctx, textTo(t, upstream, f.config.Client, "+15550100"), `,"WaitSeconds":40`)
	require.Equal(t, "delivered", got.Structured["status"])
	require.Equal(t, true, got.Structured["final"])
	require.Len(t, client.told, 1, "one for each pause")
	told := (<-client.told).Params.AdditionalFields
	require.Greater(t, told["progress"], 0.0)
	require.Less(t, told["progress"], 1.0)
	delete(told, "progress")
	require.Equal(t, map[string]any{"progressToken": "token", "total": 40.0, "message": "Waiting for a final status; now: sent"}, told)
	require.NotContains(t, got.Structured, "notice")
	require.EqualValues(t, 1+2, f.requests.Load())
	require.GreaterOrEqual(t, got.Structured["waited_seconds"], 1.0)
}

// What the notice says of each way in which a wait ends without a final status.
func TestAWaitInVainSaysSo(t *testing.T) {
	t.Parallel()
	var calls sync.WaitGroup
	checks := make(chan func(), 20)
	for name, tc := range map[string]struct {
		identifier string
		later      func(w http.ResponseWriter, r *http.Request) bool // answers the looks after the first
		deadline   time.Duration
		status     string
		words      string
	}{
		"never final": {"+15550000002", nil, 0, "sent", "The status was not final when the wait ended. " + noteNotFinal},
		"queued":      {"+15550000001", nil, 0, "queued", "The status was not final when the wait ended. " + noteNotFinal},
		"cut":         {"+15550000002", nil, 3 * time.Second, "sent", "The status was not final after 2.4 seconds, and one call may wait no longer (--deadline). " + noteNotFinal},
		"slow":        {"+15550000002", func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }, 2 * time.Second, "sent", "Twilio could not be asked in time"},
		"deleted": {"+15550000002", func(w http.ResponseWriter, r *http.Request) bool {
			r.URL.Path = r.URL.Path[:len(r.URL.Path)-1] + "f"
			return false
		}, 0, "sent", "may have been deleted"},
		"fault": {"+15550000002", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }, 0, "sent", "HTTP status 503"},
		"another": {"+15550000002", func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprintf(w, `{"sid":%q,"outbound_resource_status":"delivered"}`, another)
			return true
		}, 0, "sent", "about this Interaction"},
		"no interaction": {"+15550000002", func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"sid":`); return true }, 0, "sent", "could not be read"},
	} {
		upstream := stoppedFake(t, fake.Config{})
		f := newFollower(t, numbered(upstream, func(n int32, w http.ResponseWriter, r *http.Request) bool {
			return n > 1 && tc.later != nil && tc.later(w, r)
		}))
		sid, long := textTo(t, upstream, f.config.Client, tc.identifier), 1
		if f.tools.Deadline = tc.deadline; tc.deadline > 0 {
			long = maxWait
		}
		calls.Go(func() { // they wait together
			got := f.ask(t.Context(), sid, fmt.Sprintf(`,"WaitSeconds":%d`, long))
			checks <- func() {
				require.False(t, got.IsError, "%s: %s", name, got.text())
				require.Equal(t, tc.status, got.Structured["status"], name)
				require.Equal(t, false, got.Structured["final"], name)
				require.Contains(t, got.Structured["notice"], tc.words, name)
				require.Contains(t, got.Content[1].Text, tc.words, name)
				looks := map[bool]int{false: 2, true: 3}[name == "cut"]
				require.EqualValues(t, 1+looks, f.requests.Load(), name)
			}
		})
	}
	calls.Wait()
	close(checks)
	for check := range checks {
		check()
	}
}

// A caller who goes away is waited for no longer, and what is known is in the answer all the same.
func TestACancelledWaitEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		w := beginWaiting(ctx, maxWait*time.Second)
		w.await(ctx, &tools.Call{}, seen("sent"), func(context.Context) (Followed, error) { return seen("sent"), nil })
		require.Equal(t, 1500*time.Millisecond, time.Since(w.begun))
	})
	upstream := stoppedFake(t, fake.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	f := newFollower(t, upstream)
	f.config.Client.Observe = func(e twilio.Exchange) {
		if e.Operation == "FetchInteraction" { // its answer has been read
			cancel()
		}
	}
	got := f.ask(ctx, textTo(t, upstream, f.config.Client, "+15550000002"), `,"WaitSeconds":40`)
	require.Equal(t, "sent", got.Structured["status"])
	require.Contains(t, got.Structured["notice"], "cancelled")
	require.EqualValues(t, 1+1, f.requests.Load())
}

// Cancelled before anything is known, and late, the answer is an error of its own.
func TestAFirstLookThatIsCutShortIsAnError(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{0, 500 * time.Millisecond} {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFollower(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if deadline == 0 {
				cancel()
			}
			<-r.Context().Done()
		}))
		f.tools.Deadline = deadline
		got := f.ask(ctx, anInteraction, `,"WaitSeconds":40`)
		cancel()
		require.True(t, got.IsError)
		require.Equal(t, tools.CodeTryLater, got.Meta.Outcome.Code)
		require.Equal(t, deadline == 0, got.Content[0].Text == "The call was cancelled. "+tools.NextLater, got.text())
		requireNoSending(t, got)
	}
}

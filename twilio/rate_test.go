package twilio

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// 150 in any five seconds, and not one more, whatever the pattern of calls, and even if the first ones arrive late.
func TestRateHoldsOverAnyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(30)
		turns := make(chan time.Time, 1000)
		for i := range 700 {
			if i == 100 {
				time.Sleep(4900 * time.Millisecond) // a burst across the edge of a fixed window
			}
			go func() {
				if r.wait(t.Context(), "KS", time.Now().Add(time.Minute)) == nil {
					turns <- time.Now()
				}
			}()
		}
		var all []time.Time
		for range 700 {
			all = append(all, <-turns)
		}
		for i := 150; i < len(all); i++ {
			require.GreaterOrEqual(t, all[i].Sub(all[i-150]), 5*time.Second+rateMargin, "turn %d", i)
		}
		require.LessOrEqual(t, all[699].Sub(all[0]), 5*(5*time.Second+rateMargin), "and no less")
	})
}

func TestServicesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(1)
		began := time.Now()
		for i := range 5 * (maxIdleServices + 10) {
			require.NoError(t, r.wait(t.Context(), fmt.Sprint(i/5), time.Now()))
		}
		require.Zero(t, time.Since(began))
		time.Sleep(rateWindow - time.Nanosecond)
		require.NoError(t, r.wait(t.Context(), "one more", time.Now()))
		require.ErrorIs(t, r.wait(t.Context(), "0", time.Now()), ErrNoTurn, "not forgotten for another's sake")
		time.Sleep(rateWindow + time.Nanosecond)
		require.NoError(t, r.wait(t.Context(), "0", time.Now().Add(-time.Second)), "what is free needs no wait")
		time.Sleep(rateWindow + time.Nanosecond)
		require.NoError(t, r.wait(t.Context(), "new", time.Now()))
		require.Len(t, r.services, 1, "Services that were quiet for a window are forgotten")
	})
}

func TestAServiceIsNotForgottenWhileATurnOfItCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(1)
		for i := range 5 {
			if i == 1 {
				time.Sleep(rateWindow)
			}
			require.NoError(t, r.wait(t.Context(), "KS", time.Now()))
		}
		time.Sleep(time.Second)
		for i := range maxIdleServices {
			require.NoError(t, r.wait(t.Context(), fmt.Sprint(i), time.Now()))
		}
		require.NoError(t, r.wait(t.Context(), "KS", time.Now()))
		require.ErrorIs(t, r.wait(t.Context(), "KS", time.Now()), ErrNoTurn)
	})
}

func TestAWaitThatDoesNotFitIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(1)
		for range 5 {
			require.NoError(t, r.wait(t.Context(), "KS", time.Now()))
		}
		began := time.Now()
		require.ErrorIs(t, r.wait(t.Context(), "KS", began.Add(4*time.Second)), ErrNoTurn)
		require.Zero(t, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.wait(ctx, "KS", began.Add(time.Minute)), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestEqualRequestsWaitOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Client
		leave, ok := c.Alone(t.Context(), "hello")
		require.True(t, ok)
		other, ok := c.Alone(t.Context(), "other")
		require.True(t, ok)
		other()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, ok = c.Alone(ctx, "hello")
		require.False(t, ok, "the first has not left")
		entered := make(chan func())
		for range 3 {
			go func() {
				next, _ := c.Alone(t.Context(), "hello")
				entered <- next
			}()
		}
		synctest.Wait()
		leave()
		for range 3 {
			next := <-entered
			synctest.Wait()
			select {
			case <-entered:
				require.Fail(t, "two at a time")
			default:
			}
			next()
		}
	})
}

// The first turn is the caller's. Each of the others is taken once, though the hook is called twice for a new connection.
func TestEachLaterTryOfASendTakesOneTurn(t *testing.T) {
	asked := 0
	bubble(t, func(t *testing.T, c *Client) {
		c.RateLimit = 1
		hooks := 0
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { hooks++; return nil })
		require.NoError(t, err)
		require.Equal(t, 2, created.Retries)
		require.Equal(t, 6, hooks)
		require.Equal(t, 2, c.taken(operationSend))
		require.NoError(t, c.WaitToSend(t.Context(), testService, time.Now()))
		require.Equal(t, 3, c.taken(operationSend))
	}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		io.WriteString(w, documentedAnswer)
	})
}

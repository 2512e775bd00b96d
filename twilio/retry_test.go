package twilio

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoffGrowsStaysBoundedAndLeavesHalfToChance(t *testing.T) {
	require.Equal(t, 125*time.Millisecond, backoff(0, 0, 0))
	require.Equal(t, 250*time.Millisecond, backoff(0, 0, 1))
	require.Equal(t, time.Second, backoff(2, 0, 1))
	require.Equal(t, longestWait, backoff(1<<30, 0, 1))
	require.Equal(t, longestWait/2, backoff(9, 0, 0))
	require.Equal(t, 7*time.Second+125*time.Millisecond, backoff(0, 7*time.Second, 0), "never earlier than asked")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                  0,
		"0":                                 0,
		"7":                                 7 * time.Second,
		" 7 ":                               7 * time.Second,
		"-1":                                0,
		"1.5":                               0,
		"soon":                              0,
		"99999999999999999999999":           maxRetryAfter,
		"86401":                             maxRetryAfter,
		"Fri, 02 Jan 2026 03:04:35 GMT":     30 * time.Second,
		"Friday, 02-Jan-26 03:04:35 GMT":    30 * time.Second,
		"Fri Jan  2 03:04:35 2026":          30 * time.Second,
		"Fri, 02 Jan 2026 03:04:04 GMT":     0,
		"Fri, 02 Jan 2099 03:04:04 GMT":     maxRetryAfter,
		"Fri, 02 Jan 2026 03:04:35 Nowhere": 0,
	} {
		require.Equal(t, want, parseRetryAfter(value, now), value)
	}
}

// bubble starts a server and a client inside a synctest bubble. Both sides are
// real net/http. They talk over in-memory pipes, because time in a bubble does not
// advance while a goroutine waits for a real network.
func bubble(t *testing.T, test func(t *testing.T, c *Client), handle http.HandlerFunc) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: handle}
		go server.Serve(l)
		defer server.Close()
		c := &Client{BaseURL: "http://127.0.0.1", Username: "AC", Password: testSecret}
		require.NoError(t, c.Check())
		c.pool.DialContext = l.dial
		defer c.Close()
		test(t, c)
	})
}

func TestNothingIsSentIfTheHookRefusesANewConnection(t *testing.T) {
	written := false
	no := errors.New("no")
	bubble(t, func(t *testing.T, c *Client) {
		hooks := 0
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error {
			if hooks++; hooks == 2 {
				return no
			}
			return nil
		})
		require.ErrorAs(t, err, new(*NotSentError))
		require.ErrorIs(t, err, no)
		require.Equal(t, 2, hooks, "after an error of the hook there is no retry")
	}, func(http.ResponseWriter, *http.Request) { written = true })
	require.False(t, written)
}

func TestTooManyRequestsIsTriedAgainAfterTheTimeAsked(t *testing.T) {
	var asked []time.Time
	bubble(t, func(t *testing.T, c *Client) {
		var hooks int
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { hooks++; return nil })
		require.NoError(t, err)
		require.Equal(t, 2, created.Retries)
		require.Equal(t, 4, hooks, "before each attempt, and again for each new connection")
		require.GreaterOrEqual(t, asked[1].Sub(asked[0]), 7*time.Second)
		require.Less(t, asked[1].Sub(asked[0]), 7*time.Second+firstWait)
		require.GreaterOrEqual(t, asked[2].Sub(asked[1]), 3*time.Second, "a date is compared with the server's own clock")
		require.Less(t, asked[2].Sub(asked[1]), 3*time.Second+2*firstWait)
	}, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "some message", r.PostFormValue("Body"), "every attempt has the whole body")
		asked = append(asked, time.Now())
		switch len(asked) {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		case 2:
			w.Header().Set("Date", "Thu, 30 Jul 2015 20:00:00 GMT")
			w.Header().Set("Retry-After", "Thu, 30 Jul 2015 20:00:03 GMT")
			w.WriteHeader(429)
		default:
			io.WriteString(w, documentedAnswer)
		}
	})
}

func TestStormOf429EndsBeforeTheDeadline(t *testing.T) {
	var asked int
	bubble(t, func(t *testing.T, c *Client) {
		began := time.Now()
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		refused, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 429, refused.Status)
		require.Equal(t, 20429, refused.Code)
		require.Contains(t, err.Error(), "not processed and nothing was sent")
		require.LessOrEqual(t, time.Since(began), 25*time.Second, "the time kept for an answer is not used for waiting")
		require.Greater(t, time.Since(began), 20*time.Second)
		require.Greater(t, asked, 6)
		require.Less(t, asked, 16)
	}, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(429)
		io.WriteString(w, `{"code":20429,"message":"Too Many Requests","status":429}`)
	})
}

func TestARetryAfterThatDoesNotFitEndsTheCallAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *Client) {
		began := time.Now()
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		refused, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 25*time.Second, refused.RetryAfter)
		require.Zero(t, time.Since(began))
	}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "25")
		w.WriteHeader(429)
	})
}

func TestWithNoAnswerByTheDeadlineTheOutcomeIsUnknown(t *testing.T) {
	bubble(t, func(t *testing.T, c *Client) {
		c.Timeout = 40 * time.Second
		began := time.Now()
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.ErrorAs(t, err, new(*OutcomeUnknownError))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 40*time.Second, time.Since(began))
	}, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
}

func TestABodyThatStallsIsAcceptedAndUnreadableAtTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, c *Client) {
		began := time.Now()
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.Equal(t, "yes, unreadable", word(created, err))
		require.Equal(t, 30*time.Second, time.Since(began))
	}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"sid":`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
}

func TestADialThatHangsIsGivenUpAsNotSentInTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *Client) {
		c.pool.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.ErrorAs(t, err, new(*NotSentError))
		require.ErrorIs(t, err, errNoTimeLeft)
		require.Equal(t, 25*time.Second, time.Since(began))
	}, nil)
}

func TestCancelledWhileWaitingToTryAgainIsNotSent(t *testing.T) {
	var asked int
	bubble(t, func(t *testing.T, c *Client) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("the user went home"))
		defer cancel()
		began := time.Now()
		_, err := c.CreateMessageInteraction(ctx, testMessage, nil)
		require.ErrorAs(t, err, new(*Error), "the wait would have ended after the caller's deadline, so there was none")
		require.Zero(t, time.Since(began))

		ctx, abort := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { abort(errors.New("the user went home")) })
		_, err = c.CreateMessageInteraction(ctx, testMessage, nil)
		require.ErrorAs(t, err, new(*NotSentError))
		require.ErrorContains(t, err, "went home")
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Equal(t, 2, asked)
	}, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(429)
	})
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

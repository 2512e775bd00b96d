package twilio

import (
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

var testInteraction = schema.MustSid[schema.KI]("KI" + strings.Repeat("a", 32))

const (
	servicePath = "/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sessionPath = servicePath + "/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// answersByPath are one record for each resource, and the key of its list.
func answersByPath() map[string][2]string {
	const parents = `"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","session_sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
	return map[string][2]string{
		"/v1/Services":                {"services", `{"sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","unique_name":"taxis"}`},
		servicePath + "/Sessions":     {"sessions", `{"sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","unique_name":"order 1234",` + parents + `}`},
		sessionPath + "/Participants": {"participants", `{"sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",` + parents + `}`},
		sessionPath + "/Interactions": {"interactions", `{"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",` + parents + `}`},
	}
}

// serveReads answers every read with one record.
func serveReads(w http.ResponseWriter, r *http.Request) {
	record, isList := answersByPath()[r.URL.Path]
	if isList {
		io.WriteString(w, `{"`+record[0]+`":[`+record[1]+`],"meta":{"next_page_url":null}}`)
		return
	}
	io.WriteString(w, answersByPath()[r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')]][1])
}

// reads are all the operations that read, by the API's names of them.
func reads(c *Client) map[string]func(context.Context, Paging) error {
	return map[string]func(context.Context, Paging) error{
		"FetchService": func(ctx context.Context, _ Paging) error {
			_, _, err := c.FetchService(ctx, testService.String())
			return err
		},
		"FetchSession": func(ctx context.Context, _ Paging) error {
			_, _, err := c.FetchSession(ctx, testService, testSession.String())
			return err
		},
		"FetchParticipant": func(ctx context.Context, _ Paging) error {
			_, _, err := c.FetchParticipant(ctx, testService, testSession, testParticipant)
			return err
		},
		"FetchInteraction": func(ctx context.Context, _ Paging) error {
			_, _, err := c.FetchInteraction(ctx, testService, testSession, testInteraction)
			return err
		},
		"ListService": func(ctx context.Context, p Paging) error { return lastError(c.ListServices(ctx, p)) },
		"ListSession": func(ctx context.Context, p Paging) error { return lastError(c.ListSessions(ctx, testService, p)) },
		"ListParticipant": func(ctx context.Context, p Paging) error {
			return lastError(c.ListParticipants(ctx, testService, testSession, p))
		},
		"ListInteraction": func(ctx context.Context, p Paging) error {
			return lastError(c.ListInteractions(ctx, testService, testSession, p))
		},
	}
}

func lastError[T any](pages iter.Seq2[*Page[T], error]) (last error) {
	for _, last = range pages {
	}
	return last
}

func serviceOf(operation string) string {
	if strings.HasSuffix(operation, "Service") {
		return ""
	}
	return testService.String()
}

func (c *Client) taken(operation string) int {
	r := c.rate(operation)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.services[serviceOf(operation)]
	if s == nil {
		return 0
	}
	return len(s.times)
}

// Each of five attempts a window comes in its turn, the tries after a 429 included, and a read takes no other's.
func TestEveryAttemptOfEveryReadTakesOneTurn(t *testing.T) {
	for operation := range reads(nil) {
		var asked []time.Time
		bubble(t, func(t *testing.T, c *Client) {
			c.RateLimit, c.Timeout = 1, time.Hour
			observed := 0
			c.Observe = func(e Exchange) { require.Equal(t, operation, e.Operation); observed++ }
			for i := range 4 {
				require.NoError(t, reads(c)[operation](t.Context(), Paging{}))
				require.Equal(t, min(len(asked), 5), c.taken(operation), i)
			}
			require.Len(t, asked, 12)
			require.Equal(t, 12, observed)
			for i := 5; i < len(asked); i++ {
				require.GreaterOrEqual(t, asked[i].Sub(asked[i-5]), rateWindow, "%s %d", operation, i)
			}
			c.rates.Range(func(other, _ any) bool { require.Equal(t, operation, other); return true })
		}, func(w http.ResponseWriter, r *http.Request) {
			if asked = append(asked, time.Now()); len(asked)%3 != 0 {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			serveReads(w, r)
		})
	}
}

// Nothing was asked, and the caller can see why. A cancellation ends the wait at once.
func TestAReadWithoutATurn(t *testing.T) {
	for operation := range reads(nil) {
		bubble(t, func(t *testing.T, c *Client) {
			c.RateLimit = 1
			for range 5 {
				require.NoError(t, c.rate(operation).wait(t.Context(), serviceOf(operation), time.Now()))
			}
			began, read := time.Now(), reads(c)[operation]
			refused := func(err error) {
				require.ErrorIs(t, err, ErrNoTurn, operation)
				require.ErrorAs(t, err, new(*NotSentError))
				require.Zero(t, time.Since(began))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			refused(read(ctx, Paging{}))
			refused(read(ctx, Paging{LatestTurn: began.Add(time.Hour)}))
			c.Timeout = 4 * time.Second
			refused(read(t.Context(), Paging{}))
			c.Timeout = 0
			if strings.HasPrefix(operation, "List") {
				refused(read(t.Context(), Paging{LatestTurn: began.Add(4 * time.Second)}))
			}
			ctx, abort := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, abort)
			require.ErrorIs(t, read(ctx, Paging{}), context.Canceled)
			require.Equal(t, time.Second, time.Since(began))
		}, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	}
}

// A connection that the server closed without a word is no answer, so the client reads again: itself, in turn and observed.
func TestAReadIsRepeatedInItsTurnWhenAKeptConnectionWasClosed(t *testing.T) {
	var asked, drop atomic.Int32
	gate := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-gate
		if drop.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		serveReads(w, r)
	})
	c := testClient(t, s.URL)
	c.RateLimit = 30
	var retries []int
	done := make(chan error)
	for range 3 { // three connections are kept
		go func() { _, _, err := c.FetchService(t.Context(), testService.String()); done <- err }()
	}
	require.Eventually(t, func() bool { return asked.Load() == 3 }, time.Minute, time.Millisecond)
	close(gate)
	for range 3 {
		require.NoError(t, <-done)
	}
	c.Observe = func(e Exchange) { retries = append(retries, e.Retries) }
	drop.Store(2)
	_, _, err := c.FetchService(t.Context(), testService.String())
	require.NoError(t, err)
	require.EqualValues(t, 6, asked.Load())
	require.Equal(t, 6, c.taken("FetchService"))
	require.Equal(t, []int{0, 1, 2}, retries)

	drop.Store(100)
	_, _, err = c.FetchService(t.Context(), testService.String())
	require.Error(t, err, "a new connection that is closed is an answer of a kind")
	require.Equal(t, []int{0, 1, 2, 0, 1}, retries)
	require.EqualValues(t, asked.Load(), c.taken("FetchService"))
}

// Who gives up a read on a kept connection is not told that there was none.
func TestAReadThatIsGivenUp(t *testing.T) {
	var asked atomic.Int32
	bubble(t, func(t *testing.T, c *Client) {
		require.NoError(t, reads(c)["FetchService"](t.Context(), Paging{}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := reads(c)["FetchService"](ctx, Paging{})
		require.EqualError(t, err, "no answer came: context canceled")
		require.EqualValues(t, 2, asked.Load())
	}, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			serveReads(w, r)
			return
		}
		<-r.Context().Done()
	})
}

// A read that is not answered in time has run out of time, and does not blame the connection that it had.
func TestAReadThatIsNotAnsweredInTime(t *testing.T) {
	for operation := range reads(nil) {
		bubble(t, func(t *testing.T, c *Client) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := reads(c)[operation](ctx, Paging{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.EqualError(t, err, "no answer came: context deadline exceeded")
			c.Timeout = time.Second
			require.EqualError(t, reads(c)[operation](t.Context(), Paging{}), "no answer came: context deadline exceeded")
		}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
}

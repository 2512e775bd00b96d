package twilio

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCancelledBeforeTheCallIsNotSent(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached the server") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := testClient(t, s.URL).CreateMessageInteraction(ctx, testMessage, func(context.Context, int) error {
		t.Error("the hook was called, although no attempt was possible")
		return nil
	})
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheHookStopsAnAttempt(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached the server") })
	c := testClient(t, s.URL)
	no := errors.New("the claim is lost")
	_, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { return no })
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorIs(t, err, no)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.CreateMessageInteraction(ctx, testMessage, func(context.Context, int) error { cancel(); return nil })
	require.ErrorAs(t, err, new(*NotSentError), "cancelled between the hook and the attempt")
}

func TestCancelledWhileConnectingIsNotSent(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:1")
	require.NoError(t, c.Check())
	ctx, cancel := context.WithCancel(t.Context())
	c.pool.DialContext = func(dialling context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-dialling.Done()
		return nil, dialling.Err()
	}
	_, err := c.CreateMessageInteraction(ctx, testMessage, nil)
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorIs(t, err, context.Canceled)
}

func TestCancelledOnceThereIsAConnectionTheOutcomeIsAwaited(t *testing.T) {
	for _, moment := range []string{"connection", "request"} {
		ctx, cancel := context.WithCancel(t.Context())
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			cancel()
			io.WriteString(w, documentedAnswer)
		})
		if moment == "connection" {
			// The caller's own trace runs after the client's, when it is too late to stop the send.
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel() }})
		}
		created, err := testClient(t, s.URL).CreateMessageInteraction(ctx, testMessage, nil)
		require.Equal(t, "yes", word(created, err), "%v", err)
		require.ErrorIs(t, ctx.Err(), context.Canceled)
	}
}

func TestAReadIsCancelledAtAnyTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(gone)
	})
	for _, err := range testClient(t, s.URL).ListInteractions(ctx, testService, testSession, Paging{}) {
		require.ErrorIs(t, err, context.Canceled)
	}
	<-gone
}

// Cancel many times at about the moment when there is a connection. Compare the
// client's outcome with what the server received.
func TestACancellationThatRacesTheConnectionHasTheRightOutcome(t *testing.T) {
	var received atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received.Add(1)
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, documentedAnswer)
	})
	c := testClient(t, s.URL)
	words := map[string]int{}
	for range 600 {
		before := received.Load()
		ctx, cancel := context.WithCancel(t.Context())
		created, err := c.CreateMessageInteraction(ctx, testMessage, func(context.Context, int) error { go cancel(); return nil })
		cancel()
		w := word(created, err)
		words[w]++
		require.Equal(t, w == "yes", received.Load() > before, "%s: %v", w, err)
	}
	t.Log(words)
	require.NotContains(t, words, "unknown", "whichever side wins, the outcome is known")
}

// The race above seldom has this order: first the caller gives up, then there is
// a connection.
func TestAConnectionThatComesTooLateIsClosedUnwritten(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	a := &attempt{ctx: ctx, cancel: cancel}
	a.giveUp(errors.New("gone"))
	near, far := net.Pipe()
	a.gotConn(httptrace.GotConnInfo{Conn: near})
	require.False(t, a.connected())
	require.ErrorIs(t, near.SetDeadline(time.Now()), io.ErrClosedPipe)
	far.Close()

	ctx, cancel = context.WithCancelCause(t.Context())
	a = &attempt{ctx: ctx, cancel: cancel}
	a.gotConn(httptrace.GotConnInfo{Conn: near})
	a.giveUp(errors.New("gone"))
	require.True(t, a.connected())
	require.NoError(t, ctx.Err())
	cancel(nil)
}

package guard

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A deadlined connection ends its body at a deadline.
type deadlined struct {
	*httptest.ResponseRecorder
	body *io.PipeReader
}

func (d deadlined) SetReadDeadline(at time.Time) error {
	if !at.IsZero() {
		return d.body.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

// coming begins to read a body of which all but the last byte has come. It returns how to send the rest, and what became
// of it: a status and the body, which is nil when it was refused.
func coming(s *Bodies, length int) (rest func() (int, *Body)) {
	from, to := io.Pipe()
	r := httptest.NewRequest(http.MethodPost, "/", from)
	r.ContentLength = int64(length)
	w := deadlined{httptest.NewRecorder(), from}
	read := make(chan *Body, 1)
	go func() {
		body, _ := s.Read(w, r)
		from.Close()
		read <- body
	}()
	go func() { _, _ = io.WriteString(to, strings.Repeat("x", length-1)) }()
	synctest.Wait()
	return func() (int, *Body) {
		_, _ = io.WriteString(to, "x")
		to.Close()
		body := <-read
		return w.Code, body
	}
}

// A few clients that hold their last byte back must not take the room of all others.
func TestASlowBodyLosesItsRoomToOneThatNeedsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopping, stop := context.WithCancel(t.Context())
		defer stop()
		s := &Bodies{Max: largest, Patience: time.Minute, Stopping: stopping, Guards: &Guards{}, Shared: Budget{Max: 2 * largest}}
		arrived, oldest := coming(s, largest), coming(s, largest)
		_, kept := arrived()
		require.NotNil(t, kept)
		time.Sleep(time.Second)
		second := coming(s, largest)
		status, none := coming(s, largest)()
		require.Nil(t, none, "nobody is slow yet")
		require.Equal(t, http.StatusServiceUnavailable, status)

		time.Sleep(slowBody - time.Second + 1) // now the oldest is
		_, body := coming(s, largest)()
		require.NotNil(t, body)
		status, none = oldest()
		require.Nil(t, none)
		require.Equal(t, http.StatusServiceUnavailable, status)
		status, none = coming(s, largest)()
		require.Nil(t, none, "only what is slow makes room, and what has arrived never does")
		require.Equal(t, http.StatusServiceUnavailable, status)
		_, other := second()
		require.NotNil(t, other)
		for _, b := range []*Body{kept, body, other} {
			require.Len(t, b.Bytes, largest)
			b.Done()
		}
		require.Zero(t, s.Shared.Used())
	})
}

// A body counts for what it takes, also when its length was not announced.
func TestAnUnannouncedBodyKeepsNoMoreThanItHas(t *testing.T) {
	s := &Bodies{Max: 1 << 20, Stopping: context.Background(), Guards: &Guards{}, Shared: Budget{Max: 1 << 20}}
	r := httptest.NewRequest(http.MethodPost, "/", struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 100_000))})
	require.EqualValues(t, -1, r.ContentLength)
	body, ok := s.Read(deadlined{httptest.NewRecorder(), nil}, r)
	require.True(t, ok)
	require.EqualValues(t, 100_000-freeBody, s.Shared.Used())
	require.Less(t, cap(body.Bytes), 120_000)
	body.Done()
	require.Zero(t, s.Shared.Used())
}

func TestTheReadmeNamesTheBoundsOfBodies(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), fmt.Sprintf("| all bodies at once, not counting the first %d KiB of each; one that still comes after %.0f s makes room for another |",
		freeBody>>10, slowBody.Seconds()))
}

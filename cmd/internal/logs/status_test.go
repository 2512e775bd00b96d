package logs

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/ptytest"
)

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestAStatusStaysBelowTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := New(s)
		w.Status("waiting a while", 15)
		synctest.Wait()
		require.Equal(t, "waiting a while", ptytest.Shown(s.String()))
		write(t, w, "a line\n")
		w.Flush()
		require.Equal(t, "a line\nwaiting a while", ptytest.Shown(s.String()))
		w.Status("shorter", 7)
		w.Flush()
		require.Equal(t, "a line\nshorter", ptytest.Shown(s.String()))
		s.Write([]byte("^C")) // as a terminal does
		w.Status("", 0)
		w.Flush()
		require.Equal(t, "a line\n", ptytest.Shown(s.String()))
		require.True(t, strings.HasSuffix(s.String(), "\r"), "what others write begins on the left")
		w.Close()
		require.Zero(t, w.Dropped())
	})
}

func TestCloseTakesTheStatusAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := New(s)
		w.Status("waiting", 7)
		synctest.Wait()
		write(t, w, "the last line\n")
		w.Close()
		require.Equal(t, "the last line\n", ptytest.Shown(s.String()))
		w.Status("late", 4)
		synctest.Wait()
		require.Equal(t, "the last line\n", ptytest.Shown(s.String()))
	})
}

// Lines and statuses from many goroutines: each line is whole and there once.
func TestAStatusBreaksNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := New(s)
		go func() {
			for n := range 500 {
				w.Status(strings.Repeat("#", n%20), n%20)
				time.Sleep(time.Millisecond)
			}
		}()
		var want strings.Builder
		for n := range 200 {
			write(t, w, fmt.Sprintf("line %d\n", n))
			fmt.Fprintf(&want, "line %d\n", n)
			time.Sleep(3 * time.Millisecond)
		}
		w.Close()
		require.Equal(t, want.String(), ptytest.Shown(s.String()))
	})
}

// A terminal that takes nothing holds up neither a status nor, for long, an end.
func TestAStatusThatIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := open(t)
		begun := time.Now()
		w.Status("one", 3)
		synctest.Wait()
		w.Status("two", 3)
		require.Zero(t, time.Since(begun))
		w.Flush()
		require.Equal(t, stallPatience, time.Since(begun))
		w.Close()
		require.Equal(t, 2*stallPatience, time.Since(begun))
	})
	synctest.Test(t, func(t *testing.T) {
		w := New(&sink{failure: io.ErrClosedPipe})
		begun := time.Now()
		w.Status("one", 3)
		w.Flush()
		w.Close()
		require.Zero(t, time.Since(begun))
		require.Zero(t, w.Dropped())
	})
}

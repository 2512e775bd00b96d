package serve

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

type lockedWriter struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *lockedWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// What was read and is not answered is bounded, in messages and in bytes: past the bound nothing more is read, not even a
// ping, until a call has ended.
func TestWhatIsUnansweredIsBounded(t *testing.T) {
	large := strings.Replace(callLine(1, "stubborn"), `"n":1`, `"n":1`+strings.Repeat(" ", 1_000_000), 1)
	for name, c := range map[string]struct {
		call string
		fit  int
	}{
		"messages": {callLine(1, "stubborn"), maxUnanswered / minRequest},
		"bytes":    {large, maxUnanswered / (len(large) - 1)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture()
				s := f.server()
				s.MaxInFlight = 1
				in, write := io.Pipe()
				var out lockedWriter
				done := make(chan error, 1)
				go func() { done <- s.Stdio(t.Context(), in, &out) }()
				go func() {
					for range c.fit + 1 {
						_, _ = io.WriteString(write, c.call)
					}
					_, _ = io.WriteString(write, `{"jsonrpc":"2.0","id":"p","method":"ping"}`+"\n")
					write.Close()
				}()
				synctest.Wait()
				require.Empty(t, out.String(), "the ping is read while there is no room for a call before it")
				close(f.gate)
				go func() { // which has room for fewer
					for range f.started {
					}
				}()
				require.NoError(t, <-done)
				close(f.started)
				require.Equal(t, c.fit+2, strings.Count(out.String(), "\n"))
				require.Contains(t, out.String(), `"id":"p"`)
			})
		})
	}
}

// The answer to a large call may be large, so that few of them run at once. An event stream does not wait with them.
func TestLargeCallsTakeTheRoomOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		s := f.server()
		s.MaxInFlight = 4
		in, write := io.Pipe()
		var out lockedWriter
		done := make(chan error, 1)
		go func() { done <- s.Stdio(t.Context(), in, &out) }()
		for id := range 4 {
			large := strings.Replace(callLine(id, "stubborn"), `"n":`, strings.Repeat(" ", 2*minRequest-200)+`"n":`, 1)
			_, _ = io.WriteString(write, large)
		}
		synctest.Wait()
		require.Len(t, f.started, 2, "each has the room of two")
		_, _ = io.WriteString(write, `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},`+modernMeta+"}}\n")
		synctest.Wait()
		require.Contains(t, out.String(), "acknowledged")
		close(f.gate)
		write.Close()
		require.NoError(t, <-done)
		require.Len(t, f.started, 4)
	})
}

package logs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// numbered is a line of 64 bytes.
func numbered(n int) string { return fmt.Sprintf("%063d\n", n) }

const fit = MaxWaiting / 64 // lines

// open makes a Writer to a pipe. The pipe has no room: a write ends when all of it has been read.
func open(t *testing.T) (*Writer, *bufio.Reader) {
	r, out := io.Pipe()
	w := New(out)
	t.Cleanup(func() {
		r.Close() // ends a write that is under way
		w.Close() // a test that failed has not done so
	})
	return w, bufio.NewReader(r)
}

func write(t *testing.T, w *Writer, text string) {
	t.Helper()
	n, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

// readNumbered reads the lines from one number to before another.
func readNumbered(t *testing.T, r *bufio.Reader, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		require.Equal(t, strings.TrimSpace(numbered(n)), next(t, r))
	}
}

func next(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSuffix(line, "\n")
}

func TestLinesThatAreNotReadWaitAndTheRestIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := open(t)
		w.Format(func(out io.Writer) slog.Handler {
			return slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelError})
		})
		for n := range fit + 1000 {
			write(t, w, numbered(n))
		}
		synctest.Wait() // a write has begun
		require.EqualValues(t, 1000, w.Dropped())
		write(t, w, "one more\n")
		require.EqualValues(t, 1001, w.Dropped(), "what is being written still counts")

		readNumbered(t, r, 0, fit)
		told := next(t, r)
		require.Contains(t, told, `"lines":1001`)
		require.Contains(t, told, `"level":"WARN"`)
		synctest.Wait()
		write(t, w, numbered(1))
		readNumbered(t, r, 1, 2)
		require.EqualValues(t, 1001, w.Dropped(), "the count is since the start")
		w.Close()
	})
}

// A line is taken as a whole or not at all, and none is taken between two that were dropped.
func TestNoLineFollowsADroppedOneUntilAllIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := open(t)
		for n := range fit - 1 {
			write(t, w, numbered(n))
			if n == 62 {
				synctest.Wait() // a write has begun with these, so the last piece is a full one
			}
		}
		write(t, w, strings.Repeat("x", 64)+"\n") // one byte too long
		write(t, w, "short\n")
		readNumbered(t, r, 0, fit-65)
		synctest.Wait()
		write(t, w, "there is room, and the last piece is not written\n")
		readNumbered(t, r, fit-65, fit-1)
		require.Contains(t, next(t, r), "lines=3")
		w.Close()
	})
}

func TestALineLongerThanAllIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := open(t)
		write(t, w, strings.Repeat("x", MaxWaiting)+"\n")
		require.Contains(t, next(t, r), "lines=1")
		write(t, w, strings.Repeat("y", MaxWaiting-1)+"\n")
		require.Len(t, next(t, r), MaxWaiting-1)
		w.Close()
	})
}

// A host is not kept waiting at the end by a reader that never reads.
func TestCloseGivesUpAReaderThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := open(t)
		write(t, w, "unread\n")
		begun := time.Now()
		w.Close()
		require.Equal(t, stallPatience, time.Since(begun))
		write(t, w, "late\n")
		require.EqualValues(t, 1, w.Dropped())
	})
}

func TestCloseWaitsForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := open(t)
		for n := range fit + 5 {
			write(t, w, numbered(n))
		}
		closed := make(chan struct{})
		go func() { w.Close(); close(closed) }()
		for n := range fit {
			time.Sleep(2 * time.Millisecond) // a piece takes 128
			readNumbered(t, r, n, n+1)
		}
		require.Contains(t, next(t, r), "lines=5")
		<-closed
	})
}

func TestCloseGivesUpAReaderThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := open(t)
		for n := range fit {
			write(t, w, numbered(n))
		}
		begun := time.Now()
		closed := make(chan struct{})
		go func() { w.Close(); close(closed) }()
		for open := true; open; {
			select {
			case <-closed:
				open = false
			case <-time.After(stallPatience - 1):
				_, err := io.CopyN(io.Discard, r, maxPiece)
				require.NoError(t, err)
			}
		}
		require.Equal(t, flushPatience, time.Since(begun))
	})
}

// A sink is a file that can be broken: on a full disk, or a pipe whose reader is gone.
type sink struct {
	mu      sync.Mutex
	text    strings.Builder
	tried   int
	failure error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	if s.failure != nil {
		return 0, s.failure
	}
	return s.text.Write(p)
}

func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

func TestLinesThatCannotBeWrittenCountAsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{failure: errors.New("no space")}
		w := New(s)
		write(t, w, "one\n")
		synctest.Wait()
		write(t, w, "two\nand two\n")
		synctest.Wait()
		require.EqualValues(t, 3, w.Dropped())
		require.Equal(t, 3, s.tried, "the lines, and one attempt to tell of the first")
		s.fail(nil)
		write(t, w, "three\n")
		w.Close()
		told, rest, _ := strings.Cut(s.text.String(), "\n")
		require.Contains(t, told, "lines=3")
		require.Equal(t, "three\n", rest)
	})
}

func TestCloseOfABrokenWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(&sink{failure: io.ErrClosedPipe})
		write(t, w, "one\n")
		begun := time.Now()
		w.Close()
		require.Zero(t, time.Since(begun))
		require.EqualValues(t, 1, w.Dropped())
	})
}

// Writes end with a line, so that the lines of processes that share a pipe do not mix.
func TestWritesAreOfWholeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, out := io.Pipe()
		w := New(out)
		for n := range 1000 {
			write(t, w, numbered(n)[n%60:])
		}
		go w.Close()
		for got := 0; got < 1000; {
			piece := make([]byte, maxPiece+1)
			n, err := r.Read(piece)
			require.NoError(t, err)
			require.LessOrEqual(t, n, maxPiece)
			require.Equal(t, byte('\n'), piece[n-1])
			got += int(lines(piece[:n]))
		}
	})
}

func TestManyCallersKeepTheirOrder(t *testing.T) {
	s := &sink{}
	w := New(s)
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for n := range 100 {
				fmt.Fprintf(w, "%d %d\n", caller, n)
			}
		})
	}
	all.Wait()
	w.Close()
	require.Zero(t, w.Dropped())
	var seen [8]int
	for line := range strings.Lines(s.text.String()) {
		var caller, n int
		_, err := fmt.Sscanf(line, "%d %d\n", &caller, &n)
		require.NoError(t, err, line)
		require.Equal(t, seen[caller], n)
		seen[caller]++
	}
	require.Equal(t, [8]int{100, 100, 100, 100, 100, 100, 100, 100}, seen)
}

// A line costs its caller one copy and no allocation.
func BenchmarkWrite(b *testing.B) {
	line := []byte(strings.Repeat("x", 350) + "\n")
	w := New(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		w.Write(line)
	}
	b.ReportMetric(float64(w.Dropped())/float64(b.N), "dropped/op")
	w.Close()
}

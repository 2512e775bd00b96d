package guard

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// A bodyServer reads bodies of at most 10,000 bytes.
type bodyServer struct {
	*Bodies
	t    *testing.T
	addr string
	stop context.CancelFunc
	gate chan struct{} // a body that begins with "w" is kept until this is closed
	held chan struct{} // has an element for each body that is kept

	mu      sync.Mutex
	refused []string
}

const largest = 10_000

func serveBodies(t *testing.T) *bodyServer {
	t.Helper()
	stopping, stop := context.WithCancel(context.Background())
	s := &bodyServer{t: t, stop: stop, gate: make(chan struct{}), held: make(chan struct{}, 10)}
	s.Bodies = &Bodies{Max: largest, Patience: time.Minute, Stopping: stopping, Shared: Budget{Max: 2 * largest}}
	s.Guards = &Guards{Refused: func(guard string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = append(s.refused, guard)
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := s.Read(w, r)
		if !ok {
			return
		}
		defer body.Done()
		if strings.HasPrefix(string(body.Bytes), "w") {
			s.held <- struct{}{}
			<-s.gate
		}
		_, _ = fmt.Fprint(w, len(body.Bytes))
	}))
	s.addr = server.Listener.Addr().String()
	t.Cleanup(func() {
		stop()
		server.Close()
		require.Zero(t, s.Shared.Used(), "every body gave its memory back")
	})
	return s
}

// send writes one request as it stands, and does not wait for the answer.
func (s *bodyServer) send(request string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\n"+request)
	require.NoError(s.t, err)
	return conn
}

func (s *bodyServer) answer(conn net.Conn) (status int, text string, header http.Header) {
	s.t.Helper()
	status, text, header, _ = s.answerAndEnd(conn)
	return status, text, header
}

// answerAndEnd also says whether the server closes the connection.
func (s *bodyServer) answerAndEnd(conn net.Conn) (status int, text string, header http.Header, closes bool) {
	s.t.Helper()
	require.NoError(s.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(s.t, err)
	said, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response.StatusCode, string(said), response.Header, response.Close
}

func (s *bodyServer) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func announced(body string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func chunked(body string) string {
	return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
}

func TestABodyOfExactlyTheBoundIsRead(t *testing.T) {
	for name, send := range map[string]func(string) string{"announced": announced, "chunked": chunked} {
		t.Run(name, func(t *testing.T) {
			s := serveBodies(t)
			for _, length := range []int{1, freeBody, freeBody + 1, largest} {
				status, text, _ := s.answer(s.send(send(strings.Repeat("x", length))))
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, fmt.Sprint(length), text)
			}
			require.Empty(t, s.seen())
			status, text, _, closes := s.answerAndEnd(s.send(send(strings.Repeat("x", largest+1))))
			require.Equal(t, http.StatusRequestEntityTooLarge, status)
			require.Equal(t, "the body is larger than 10000 bytes; nothing was done\n", text)
			require.True(t, closes, "rather than read all of the rest")
			require.Equal(t, []string{"body"}, s.seen())
		})
	}
}

func TestABodyThatIsAnnouncedTooLargeIsRefusedBeforeItComes(t *testing.T) {
	s := serveBodies(t)
	conn := s.send(fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", largest+1))
	status, _, _ := s.answer(conn)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Equal(t, []string{"body"}, s.seen())
}

// Memory follows what has come: an announcement alone takes none.
func TestABodyThatIsOnlyAnnouncedTakesNothing(t *testing.T) {
	s := serveBodies(t)
	var r http.Request
	r.ContentLength = largest
	reached := make(chan int64, 1)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), readerFunc(func([]byte) (int, error) {
		reached <- s.Shared.Used()
		return 0, iotest.ErrTimeout
	})))
	w := httptest.NewRecorder()
	_, ok := s.Read(w, &r)
	require.False(t, ok)
	require.Zero(t, <-reached)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "nothing was done")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAHalfSentBodyIsNotWaitedForWhenTheServerStops(t *testing.T) {
	s := serveBodies(t)
	conn := s.send(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", largest, strings.Repeat("x", largest-1)))
	require.Eventually(t, func() bool { return s.Shared.Used() > 0 }, time.Minute, time.Millisecond)
	s.stop()
	status, text, header := s.answer(conn)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "the server is stopping; nothing was done, try again\n", text)
	require.Equal(t, "1", header.Get("Retry-After"))
	require.Equal(t, []string{"stopping"}, s.seen())
}

func TestLargeBodiesAreRefusedWhileTheirMemoryIsFull(t *testing.T) {
	s := serveBodies(t)
	end := sync.OnceFunc(func() { close(s.gate) })
	defer end()
	large := "w" + strings.Repeat("x", largest-1)
	var kept []net.Conn
	for range 3 { // each takes what is above freeBody, of a budget of 2 * largest
		kept = append(kept, s.send(announced(large)))
		<-s.held
	}
	require.EqualValues(t, 3*(largest-freeBody), s.Shared.Used())
	for _, send := range []func(string) string{announced, chunked} {
		status, text, header := s.answer(s.send(send(strings.Repeat("x", largest))))
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, "too many large bodies at once; nothing was done, try again\n", text)
		require.Equal(t, "1", header.Get("Retry-After"))
		require.EqualValues(t, 3*(largest-freeBody), s.Shared.Used(), "a refused body keeps nothing")
	}
	require.Equal(t, []string{"bodies", "bodies"}, s.seen())
	status, _, _ := s.answer(s.send(announced(strings.Repeat("x", freeBody))))
	require.Equal(t, http.StatusOK, status, "a body of the usual length has room of its own")
	end()
	for _, conn := range kept {
		status, _, _ = s.answer(conn)
		require.Equal(t, http.StatusOK, status)
	}
	status, _, _ = s.answer(s.send(announced(strings.Repeat("x", largest))))
	require.Equal(t, http.StatusOK, status, "the memory is free again")
}

package serve

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// pipes is a listener whose connections are in memory: what is written waits until it is read, and deadlines follow the
// clock of a synctest bubble.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// dial opens a connection and sends text on it.
func (p *pipes) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	p.accepted <- theirs
	_, err := io.WriteString(ours, text)
	require.NoError(t, err)
	return ours
}

// inBubble runs a server whose clock moves on by itself while everybody waits.
func inBubble(t *testing.T, config HTTP, test func(t *testing.T, p *pipes)) {
	t.Helper()
	serveInBubble(t, newFixture().server(), config, test)
}

func serveInBubble(t *testing.T, s *Server, config HTTP, test func(t *testing.T, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.HTTP(ctx, p, config) }()
		test(t, p)
		stop()
		require.NoError(t, <-done)
	})
}

func postText(path, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func TestAHeaderThatDoesNotEndIsWaitedForTenSeconds(t *testing.T) {
	inBubble(t, HTTP{}, func(t *testing.T, p *pipes) {
		conn := p.dial(t, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		begun := time.Now()
		_, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Equal(t, headerTimeout, time.Since(begun))
	})
}

func TestABodyThatDoesNotEndIsWaitedForThirtySeconds(t *testing.T) {
	var refused []string
	inBubble(t, HTTP{Guards: guard.Guards{Refused: func(g string) { refused = append(refused, g) }}}, func(t *testing.T, p *pipes) {
		begun := time.Now()
		conn := p.dial(t, strings.TrimSuffix(postText("/mcp", callLine(1, "echo")), "\n"))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		said, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
		require.Contains(t, string(said), "nothing was done")
		require.Equal(t, bodyTimeout, time.Since(begun))
		_, err = conn.Write([]byte("\n\n"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
	require.Equal(t, []string{"timeout"}, refused)
}

// requireCutOff says that the server closes a connection in the time that a client has to take an answer, and not before.
func requireCutOff(t *testing.T, conn net.Conn) {
	t.Helper()
	time.Sleep(writeTimeout - time.Second)
	require.NoError(t, conn.SetWriteDeadline(time.Now().Add(2*time.Second)))
	begun := time.Now()
	_, err := io.WriteString(conn, "anything more")
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Equal(t, time.Second, time.Since(begun))
}

func TestAnAnswerThatNobodyReadsIsNotKept(t *testing.T) {
	for name, body := range map[string]string{
		"direct": callLine(1, "echo"), "by mcp-go": `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "event": callLine(1, "notify"),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, HTTP{}, func(t *testing.T, p *pipes) {
				requireCutOff(t, p.dial(t, postText("/mcp", body)))
			})
		})
	}
}

func TestAnEventStreamThatNobodyReadsIsEnded(t *testing.T) {
	inBubble(t, HTTP{}, func(t *testing.T, p *pipes) {
		conn := p.dial(t, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
		lines := bufio.NewReader(conn)
		endpoint := ""
		for endpoint == "" {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			endpoint, _ = strings.CutPrefix(strings.TrimSpace(line), "data: ")
			if !strings.HasPrefix(endpoint, "message") {
				endpoint = ""
			}
		}
		_, err := lines.ReadString('\n') // the end of the event
		require.NoError(t, err)
		poster := p.dial(t, postText("/"+endpoint, callLine(1, "echo")))
		response, err := http.ReadResponse(bufio.NewReader(poster), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, response.StatusCode)
		synctest.Wait()
		begun := time.Now()
		time.Sleep(writeTimeout + time.Second)
		_, err = io.ReadAll(lines)
		require.NoError(t, err)
		require.Equal(t, writeTimeout+time.Second, time.Since(begun), "it had ended")
		poster.Close()
	})
}

// The time that a body has is not the time that its call has.
func TestACallMayTakeLongerThanItsBody(t *testing.T) {
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		select {
		case <-time.After(3 * bodyTimeout):
			return mcp.NewToolResultText("done"), nil
		case <-ctx.Done():
			return mcp.NewToolResultError("cancelled"), nil
		}
	}, "slow")
	serveInBubble(t, s, HTTP{}, func(t *testing.T, p *pipes) {
		conn := p.dial(t, postText("/mcp", callLine(1, "slow")))
		defer conn.Close()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		said, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.False(t, readAnswer(t, string(said)).Result.IsError)
	})
}

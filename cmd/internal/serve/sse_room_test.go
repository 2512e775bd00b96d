package serve

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

func TestSSEWhatWaitsIsBoundedInBytes(t *testing.T) {
	total := guard.Budget{Max: maxUnsent}
	megabyte := bytes.Repeat([]byte("x"), 1<<20)
	var all []*stream
	for range 5 {
		all = append(all, new(Server).newStream("", &total))
	}
	for _, stream := range all[:4] {
		require.NoError(t, stream.reserve())
		require.NoError(t, stream.reserve(), "nothing waits yet")
		stream.put(megabyte)
		require.ErrorIs(t, stream.reserve(), errStreamFull)
	}
	require.ErrorIs(t, all[4].reserve(), errUnreadFull, "much waits on the others")

	require.NoError(t, all[0].flush(&memoryConn{}))
	require.NoError(t, all[4].reserve(), "something was taken")
	all[0].put([]byte("{}"))
	all[1].close()
	require.EqualValues(t, 2*(1<<20+messageOverhead)+2+messageOverhead, total.Used(), "a closed stream's room is free again")
}

func TestSSEAnAnswerWithoutRoomEndsItsStream(t *testing.T) {
	for name, c := range map[string]struct{ total, answer, before int }{
		"too much on this stream":  {maxUnsent, 1 << 20, 2},
		"too much on all of them":  {1 << 20, 1 << 20, 0},
		"too large for any stream": {maxUnsent, maxUnsent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			total := guard.Budget{Max: int64(c.total)}
			stream := new(Server).newStream("", &total)
			ctx, end := context.WithCancel(t.Context())
			stream.end = end
			answer := make([]byte, c.answer)
			for range c.before + 1 { // calls that began when there was room
				require.NoError(t, stream.reserve())
			}
			for range c.before {
				stream.put(make([]byte, c.answer-messageOverhead))
			}
			require.NoError(t, ctx.Err())
			stream.put(answer)
			require.Error(t, ctx.Err())
			require.ErrorIs(t, stream.reserve(), errStreamClosed)
			require.Zero(t, total.Used())
		})
	}
}

// unread is an event stream whose client reads its first event alone, and then nothing.
func (h *httpServer) unread() (endpoint string) {
	h.t.Helper()
	conn := h.dial("")
	require.NoError(h.t, conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err := conn.Write([]byte("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	require.NoError(h.t, err)
	var read []byte
	for !bytes.Contains(read, []byte("sessionId=")) || !bytes.HasSuffix(read, []byte("\n\n")) {
		more := make([]byte, 512)
		n, err := conn.Read(more)
		require.NoError(h.t, err)
		read = append(read, more[:n]...)
	}
	_, endpoint, _ = strings.Cut(string(read), "data: ")
	return "/" + strings.TrimSpace(endpoint)
}

func TestMemoryManyEventStreamsThatNobodyReads(t *testing.T) {
	h := startForMemory(t)
	call := strings.Replace(callLine(1, "echo"), `"n":1`, `"n":"`+strings.Repeat("x", 60_000)+`"`, 1)
	h.staysFlat(func() {
		for range 20 {
			endpoint := h.unread()
			status := http.StatusAccepted
			for n := 0; n < 400 && status == http.StatusAccepted; n++ {
				status = h.post(endpoint, call).status
			}
			require.NotEqual(t, http.StatusAccepted, status, "calls go on without a bound")
		}
		require.Equal(t, http.StatusOK, h.post("/mcp", callLine(1, "echo")).status)
	})
}

package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// The clients write all of their bodies before they read a byte, and read what there is then.
func TestHTTPWhoWritesTooMuchBeforeReadingIsTold(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	large := strings.Repeat("x", 3<<20)
	for name, write := range map[string]func(w io.Writer) error{
		"announced": func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(large), large)
			return err
		},
		"chunked": func(w io.Writer) error {
			if _, err := io.WriteString(w, "Transfer-Encoding: chunked\r\n\r\n"); err != nil {
				return err
			}
			chunks := httputil.NewChunkedWriter(w)
			for part := range 3 << 4 {
				if _, err := io.WriteString(chunks, large[part<<16:(part+1)<<16]); err != nil {
					return err
				}
			}
			_, err := io.WriteString(w, "0\r\n\r\n")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.(*net.TCPConn).SetWriteBuffer(4096))
			_, err = io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
			require.NoError(t, err)
			require.NoError(t, write(conn))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			said, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			require.Contains(t, string(said), "nothing was done")
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	var refused atomic.Int64
	h := startHTTP(t, newFixture().server(), HTTP{Guards: guard.Guards{Refused: func(g string) {
		if g == "body" {
			refused.Add(1)
		}
	}}})
	stream := h.openSSE()
	for _, path := range []string{"/mcp", stream.endpoint} {
		for _, body := range []io.Reader{
			bytes.NewReader(make([]byte, 20<<20)),            // with a Content-Length
			io.LimitReader(neverEnding('x'), 20<<20),         // chunked
			io.LimitReader(neverEnding('x'), int64(1<<20)+1), // just above
		} {
			response, err := h.client.Post(h.url+path, "application/json", body)
			if err == nil { // the server may hang up while the rest is still being sent
				require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
				response.Body.Close()
			}
		}
	}
	require.EqualValues(t, 6, refused.Load())
	padded := strings.Replace(callLine(1, "echo"), `"n":1`, `"n":"`+strings.Repeat("x", 1<<19)+`"`, 1)
	require.Equal(t, http.StatusOK, h.post("/mcp", padded).status)
}

// What a refused body took must be free again, or a busy server would soon refuse every large body.
func TestARefusedBodyGivesItsMemoryBack(t *testing.T) {
	var r counted
	f := newFixture()
	s := f.server()
	s.MaxInFlight = 1
	h, e := startEndpoints(t, s, r.config())
	stream := h.openSSE()
	padding := strings.Repeat("x", 1_000_000)
	large := strings.Replace(callLine(1, "echo"), `"n":1`, `"n":"`+padding+`"`, 1)
	answered := h.begin("/mcp", callLine(2, "wait"))
	<-f.started
	end := sync.OnceFunc(func() { close(f.gate) })
	defer end()
	const rounds = guard.BodiesTotal/1_000_000 + 2
	for range rounds {
		for _, path := range []string{stream.endpoint, "/mcp"} {
			require.Contains(t, h.post(path, large).body, "too many calls in flight")
		}
	}
	end()
	require.Equal(t, http.StatusOK, (<-answered).status)

	require.True(t, e.unsent.Take(maxUnsent/2)) // now the stream is full
	require.Contains(t, h.post(stream.endpoint, large).body, "too much waits on event streams")
	e.unsent.Give(maxUnsent / 2)

	stream.send(`{"jsonrpc":"2.0","id":"nobody's","result":{"x":"` + padding + `"}}`)
	require.Zero(t, e.bodies.Shared.Used())
	require.Equal(t, append(slices.Repeat([]string{"in_flight"}, 2*rounds), "stream"), r.all())
	require.Equal(t, http.StatusOK, h.post("/mcp", large).status)
}

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

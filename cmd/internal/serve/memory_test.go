package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const memoryServerVariable = "SERVE_MEMORY_SERVER"

// maxGrowth is how much memory an unfriendly crowd may cost, in bytes.
const maxGrowth = 40 << 20

// serveForMemory is a server in a process of its own, so that only its memory is counted; /metrics says how much that
// is. It prints its address and ends with its input.
func serveForMemory() error {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	config := HTTP{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		debug.FreeOSMemory()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		_, _ = fmt.Fprint(w, stats.Sys-stats.HeapReleased)
	})}
	listener, err := config.Guards.Listen(ctx, "127.0.0.1:0", "", "")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return newFixture().server().HTTP(ctx, listener, config)
}

func startForMemory(t *testing.T) *httpServer {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(cleanEnvironment(), memoryServerVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	addr, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	h := &httpServer{
		t: t, url: "http://" + strings.TrimSpace(addr),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
	}
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		in.Close()
		require.NoError(t, cmd.Wait())
	})
	h.post("/mcp", callLine(1, "echo")) // what is made once is made
	return h
}

func (h *httpServer) addr() string { return strings.TrimPrefix(h.url, "http://") }

func (h *httpServer) memory() int64 {
	h.t.Helper()
	var bytes int64
	require.NoError(h.t, json.Unmarshal([]byte(h.get("/metrics").body), &bytes))
	return bytes
}

// staysFlat runs crowd and checks what the server's memory grew by, while what crowd opened is still open.
func (h *httpServer) staysFlat(crowd func()) {
	h.t.Helper()
	before := h.memory()
	crowd()
	after := h.memory()
	h.t.Logf("memory: %.1f MB before, %.1f MB after", float64(before)/1e6, float64(after)/1e6)
	require.Less(h.t, after-before, int64(maxGrowth))
}

// dial opens a connection that stays open for the test and sends text on it.
func (h *httpServer) dial(text string) net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.addr())
	require.NoError(h.t, err)
	h.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(h.t, err)
	return conn
}

func TestMemoryIdleEventStreams(t *testing.T) {
	h := startForMemory(t)
	h.staysFlat(func() {
		for range 2000 {
			conn := h.dial("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
			_, err := conn.Read(make([]byte, 512)) // its first event
			require.NoError(t, err)
		}
	})
}

func TestMemoryInitializeWithoutAnEnd(t *testing.T) {
	h := startForMemory(t)
	h.staysFlat(func() {
		var wait sync.WaitGroup
		for range 16 {
			wait.Go(func() {
				for range 20_000 / 16 {
					r, err := h.do(http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, nil)
					if err != nil || r.status != http.StatusOK {
						t.Errorf("%v %d", err, r.status)
						return
					}
				}
			})
		}
		wait.Wait()
	})
}

func TestMemoryAnEventStreamThatNobodyReads(t *testing.T) {
	h := startForMemory(t)
	h.staysFlat(func() {
		conn := h.dial("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
		opening := make([]byte, 512)
		n, err := conn.Read(opening)
		require.NoError(t, err)
		_, endpoint, _ := strings.Cut(string(opening[:n]), "data: ")
		endpoint, _, _ = strings.Cut(endpoint, "\n")
		call := strings.Replace(callLine(1, "echo"), `"n":1`, `"n":"`+strings.Repeat("x", 15_000)+`"`, 1)
		taken, refused := 0, 0
		for range 5000 {
			switch r := h.post("/"+endpoint, call); r.status {
			case http.StatusAccepted:
				taken++
			case http.StatusServiceUnavailable:
				refused++
				require.Contains(t, r.body, "nothing was done")
			default: // the stream was ended, as its client took nothing for so long
				require.Equal(t, http.StatusNotFound, r.status)
				refused++
			}
		}
		require.Positive(t, refused)
		require.Less(t, taken, 2500, "calls go on without a bound") // what may wait, and what the connection's buffers take
	})
}

func TestMemoryLargeBodies(t *testing.T) {
	h := startForMemory(t)
	h.staysFlat(func() {
		for range 20 {
			response, err := h.client.Post(h.url+"/mcp", "application/json", io.LimitReader(neverEnding('x'), 20<<20))
			if err == nil { // the server may hang up while the rest is still being sent
				require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
				response.Body.Close()
			}
		}
	})
}

func TestMemorySlowHeadersAndBodies(t *testing.T) {
	h := startForMemory(t)
	h.staysFlat(func() {
		for range 500 {
			h.dial("POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
			h.dial("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n{")
		}
	})
}

// Each client is gone while its call runs, over both transports in turn.
func TestMemoryClientsThatVanish(t *testing.T) {
	h := startForMemory(t)
	call := callLine(1, "wait")
	h.staysFlat(func() {
		for range 1000 {
			h.dial(postText("/mcp", call)).Close()
			stream := h.dial("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
			opening := make([]byte, 512)
			n, err := stream.Read(opening)
			require.NoError(t, err)
			_, endpoint, _ := strings.Cut(string(opening[:n]), "data: ")
			endpoint, _, _ = strings.Cut(endpoint, "\n")
			require.Equal(t, http.StatusAccepted, h.post("/"+endpoint, call).status)
			stream.Close()
		}
		// More calls than may run at once have begun by now: the slots are free again.
		require.Eventually(t, func() bool { return h.post("/mcp", callLine(1, "echo")).status == http.StatusOK }, time.Minute, time.Millisecond)
	})
}

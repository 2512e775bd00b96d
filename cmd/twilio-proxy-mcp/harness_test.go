package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
)

// A served is the command serving some tools, with a client that speaks raw MCP to it.
type served struct {
	t    *testing.T
	url  string // of /mcp; "" over stdio
	log  *lockedBuffer
	send func(message string)
	line func() string         // over stdio: the next message as it is
	next func() map[string]any // the next message that is sent to the client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a subcommand on the fake until the test ends.
func start(t *testing.T, sets []toolSet, subcommand string, flags ...string) (in io.WriteCloser, out *bufio.Reader, log *lockedBuffer) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	inR, inW, err := os.Pipe()
	require.NoError(t, err)
	outR, outW, err := os.Pipe()
	require.NoError(t, err)
	log = &lockedBuffer{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{subcommand, "--backend", "fake"}, flags...), program{inR, outW, logs.New(log), sets})
		outW.Close()
	}()
	t.Cleanup(func() {
		inW.Close()
		stop()
		require.Zero(t, <-ended, log.String())
		inR.Close()
		outR.Close()
	})
	return inW, bufio.NewReaderSize(outR, 1<<20), log
}

func message(t *testing.T, line string) (m map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(line), &m), "%q", line)
	return m
}

func serveStdio(t *testing.T, sets []toolSet, flags ...string) *served {
	in, out, log := start(t, sets, "stdio", flags...)
	line := func() string {
		line, err := out.ReadString('\n')
		require.NoError(t, err)
		return line
	}
	return &served{t: t, log: log, line: line,
		send: func(m string) {
			_, err := io.WriteString(in, m+"\n")
			require.NoError(t, err)
		},
		next: func() map[string]any { return message(t, line()) },
	}
}

func serveHTTP(t *testing.T, sets []toolSet) *served {
	_, out, log := start(t, sets, "http", "--addr", "127.0.0.1:0")
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	s := &served{t: t, url: strings.TrimSpace(line), log: log}
	answers := make(chan string, 6000)
	s.send = func(m string) {
		for _, one := range messagesOf(s.post(s.url, m, http.StatusOK)) {
			answers <- one
		}
	}
	s.next = func() map[string]any { return message(t, <-answers) }
	return s
}

// sse opens an event stream of a server over HTTP.
func (s *served) sse() *served {
	s.t.Helper()
	base := strings.TrimSuffix(s.url, "/mcp")
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get(base + "/sse")
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		response.Body.Close()
		client.CloseIdleConnections()
	})
	events := bufio.NewReader(response.Body)
	data := func() string {
		for {
			line, err := events.ReadString('\n')
			require.NoError(s.t, err)
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				return strings.TrimSpace(data)
			}
		}
	}
	endpoint := base + "/" + data()
	return &served{t: s.t, url: s.url, log: s.log,
		send: func(m string) { s.post(endpoint, m, http.StatusAccepted) },
		next: func() map[string]any { return message(s.t, data()) },
	}
}

// logged waits until the log has these words. An answer does not wait for its log line.
func (s *served) logged(words string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return strings.Contains(s.log.String(), words) }, time.Minute, time.Millisecond, words)
}

func (s *served) post(url, m string, want int) string {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(m))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	parsed := message(s.t, m)
	if params, _ := parsed["params"].(map[string]any); strings.Contains(m, modern) {
		request.Header.Set("Mcp-Protocol-Version", modern)
		request.Header.Set("Mcp-Method", fmt.Sprint(parsed["method"]))
		if name, named := params["name"].(string); named {
			request.Header.Set("Mcp-Name", name)
		}
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, want, response.StatusCode, string(body))
	return strings.TrimSpace(string(body))
}

const modern = "2026-07-28"

var revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", modern}

// meta is what a request has to say of its client.
func meta(revision, capabilities string) string {
	if revision != modern {
		return `{}`
	}
	return `{"io.modelcontextprotocol/protocolVersion":"` + modern + `","io.modelcontextprotocol/clientCapabilities":` + capabilities + `}`
}

// initialize is the handshake of the older revisions.
func (s *served) initialize(revision, capabilities string) {
	s.t.Helper()
	if revision == modern {
		return
	}
	s.send(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"` + revision + `","capabilities":` + capabilities + `,"clientInfo":{"name":"c","version":"1"}}}`)
	answer := s.next()
	require.NotNil(s.t, answer["result"], answer)
	require.Equal(s.t, revision, answer["result"].(map[string]any)["protocolVersion"])
}

// call sends a tools/call; more is what else is in its params.
func (s *served) call(id int, tool, arguments, revision, capabilities, more string) {
	s.t.Helper()
	s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s,"_meta":%s%s}}`,
		id, tool, arguments, meta(revision, capabilities), more))
}

// result is the result of the request of this id, which is the next to be answered.
func (s *served) result(id int) map[string]any {
	s.t.Helper()
	answer := s.next()
	require.EqualValues(s.t, id, answer["id"], answer)
	result, ok := answer["result"].(map[string]any)
	require.True(s.t, ok, answer)
	return result
}

func outcome(result map[string]any) map[string]any {
	all, _ := result["_meta"].(map[string]any)
	of, _ := all["twilio-proxy-mcp/outcome"].(map[string]any)
	return of
}

func texts(result map[string]any) string {
	var all []string
	for _, content := range result["content"].([]any) {
		all = append(all, fmt.Sprint(content.(map[string]any)["text"]))
	}
	return strings.Join(all, "\n")
}

// onEachTransport gives a test a client over each transport, and says whether its connection can carry a question of a
// revision before 2026-07-28.
func onEachTransport(t *testing.T, sets []toolSet, test func(t *testing.T, connect func() *served, canAsk bool)) {
	t.Run("stdio", func(t *testing.T) {
		test(t, func() *served { return serveStdio(t, sets) }, true)
	})
	t.Run("http", func(t *testing.T) {
		s := serveHTTP(t, sets)
		test(t, func() *served { return s }, false)
	})
	t.Run("sse", func(t *testing.T) {
		s := serveHTTP(t, sets)
		test(t, s.sse, true)
	})
}

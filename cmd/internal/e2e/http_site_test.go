package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A site is a running http subcommand, as one caller sees it.
type site struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string // without a path: http://127.0.0.1:40123
	header map[string]string
	client *http.Client
	stderr *lockedBuffer
	ended  chan struct{} // closed when the process is gone
}

// startHTTP runs the http subcommand on a free port, with these flags in addition.
func startHTTP(t testing.TB, env []string, flags ...string) *site {
	t.Helper()
	return startHTTPOf(t, binary, env, flags...)
}

func startHTTPOf(t testing.TB, binary string, env []string, flags ...string) *site {
	t.Helper()
	return startHTTPCommand(t, binary, env, func(*exec.Cmd) {}, flags...)
}

// startHTTPCommand is startHTTPOf. The test can change the command first.
func startHTTPCommand(t testing.TB, binary string, env []string, change func(*exec.Cmd), flags ...string) *site {
	t.Helper()
	s := &site{t: t, cmd: exec.Command(binary, append([]string{"http", "--addr", "127.0.0.1:0"}, flags...)...), stderr: &lockedBuffer{}, ended: make(chan struct{})}
	s.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 128, ForceAttemptHTTP2: true, ExpectContinueTimeout: time.Minute,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // TestTLS verifies certificates
	}}
	s.cmd.Env, s.cmd.Stderr = env, s.stderr
	change(s.cmd)
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	go func() {
		defer close(s.ended)
		io.Copy(io.Discard, lines)
		s.cmd.Wait()
	}()
	t.Cleanup(func() { s.cmd.Process.Kill(); <-s.ended; s.client.CloseIdleConnections() })
	if err != nil {
		<-s.ended
		require.NoError(t, err, s.stderr.String())
	}
	url, found := strings.CutSuffix(strings.TrimSpace(first), "/mcp")
	require.True(t, found, first)
	s.url = url
	return s
}

// as returns the site for a caller that sends this header with every request.
func (s *site) as(name, value string) *site {
	caller := *s
	caller.header = map[string]string{}
	maps.Copy(caller.header, s.header)
	caller.header[name] = value
	return &caller
}

// bearer returns the site for a caller with this token.
func (s *site) bearer(token string) *site { return s.as("Authorization", "Bearer "+token) }

// A reply is a complete HTTP response.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request. A "Host" in the caller's headers sets the host of the request.
func (s *site) ask(method, path string, body io.Reader) (reply, error) {
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		return reply{}, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	if host := s.header["Host"]; host != "" {
		r.Host = host
	}
	response, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(read)}, err
}

func (s *site) get(path string) reply {
	s.t.Helper()
	r, err := s.ask(http.MethodGet, path, nil)
	require.NoError(s.t, err)
	return r
}

// post posts the body to /mcp.
func (s *site) post(body string) reply {
	s.t.Helper()
	r, err := s.ask(http.MethodPost, "/mcp", strings.NewReader(body))
	require.NoError(s.t, err)
	return r
}

// send calls the tool over /mcp with this body.
func (s *site) send(body string) answer {
	s.t.Helper()
	r := s.post(rpc(1, "tools/call", sendParams(body, nil)))
	require.Equal(s.t, http.StatusOK, r.status, r.body)
	var a answer
	require.NoError(s.t, json.Unmarshal([]byte(r.body), &a), r.body)
	require.Nil(s.t, a.Error)
	return a
}

// begin is send without waiting. A reply with status 0 is an error.
func (s *site) begin(body string) <-chan reply {
	answered := make(chan reply, 1)
	go func() {
		r, err := s.ask(http.MethodPost, "/mcp", strings.NewReader(rpc(1, "tools/call", sendParams(body, nil))))
		if err != nil {
			r = reply{body: err.Error()}
		}
		answered <- r
	}()
	return answered
}

// signal asks the process to end.
func (s *site) signal() {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGTERM))
}

// stop ends the process, which must exit with status 0.
func (s *site) stop() {
	s.t.Helper()
	s.signal()
	<-s.ended
	require.Zero(s.t, s.cmd.ProcessState.ExitCode(), s.stderr.String())
}

// rpc returns a JSON-RPC request.
func rpc(id int, method string, params any) string {
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		panic(err) // only a mistake in a test
	}
	return string(line)
}

// An eventStream is an open /sse.
type eventStream struct {
	site     *site
	body     io.ReadCloser
	lines    *bufio.Scanner
	endpoint string // the path to which messages are posted
}

func (s *site) openSSE() *eventStream {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+"/sse", nil)
	require.NoError(s.t, err)
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	s.t.Cleanup(func() { response.Body.Close() })
	e := &eventStream{site: s, body: response.Body, lines: bufio.NewScanner(response.Body)}
	e.lines.Buffer(nil, 1<<20)
	e.endpoint = "/" + e.receive() // relative to /sse
	require.True(s.t, strings.HasPrefix(e.endpoint, "/message?sessionId="), e.endpoint)
	return e
}

// receive returns the data of the next event, or "" at the end of the stream.
func (e *eventStream) receive() string {
	for e.lines.Scan() {
		if data, ok := bytes.CutPrefix(e.lines.Bytes(), []byte("data: ")); ok {
			return string(data)
		}
	}
	return ""
}

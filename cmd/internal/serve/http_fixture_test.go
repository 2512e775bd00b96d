package serve

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// httpServer is a Server behind a real listener.
type httpServer struct {
	t      *testing.T
	url    string
	client *http.Client
	stop   context.CancelFunc
	done   chan error
}

func startHTTP(t *testing.T, s *Server, config HTTP) *httpServer {
	t.Helper()
	return startTLS(t, s, config, "", "")
}

// startTLS is startHTTP with a certificate and its key.
func startTLS(t *testing.T, s *Server, config HTTP, certFile, keyFile string) *httpServer {
	t.Helper()
	listener, err := config.Guards.Listen(context.Background(), "127.0.0.1:0", certFile, keyFile)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	h := &httpServer{
		t: t, url: "http://" + listener.Addr().String(), stop: stop, done: make(chan error, 1),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: time.Minute},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.done <- s.HTTP(ctx, listener, config)
	}()
	t.Cleanup(func() {
		stop()
		h.client.CloseIdleConnections()
		<-ended
	})
	return h
}

// startEndpoints is startHTTP for tests that look into the server. It has no lifecycle.
func startEndpoints(t *testing.T, s *Server, config HTTP) (*httpServer, *endpoints) {
	t.Helper()
	base, end := context.WithCancel(context.Background())
	f := s.newEndpoints(base, config)
	server := httptest.NewServer(f.routes())
	t.Cleanup(func() {
		f.endStreams()
		must(f.streams.Acquire(context.Background(), maxStreams))
		server.Close()
		end()
	})
	return &httpServer{t: t, url: server.URL, client: server.Client()}, f
}

// startProxy serves a handler before the server, and returns its URL.
func startProxy(t *testing.T, handler http.Handler) string {
	t.Helper()
	front := httptest.NewServer(handler)
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	return front.URL
}

// reply is an HTTP answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (h *httpServer) do(method, path, body string, header map[string]string) (reply, error) {
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := h.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, strings.TrimSpace(string(read))}, err
}

func (h *httpServer) post(path, body string) reply {
	h.t.Helper()
	r, err := h.do(http.MethodPost, path, body, nil)
	require.NoError(h.t, err)
	return r
}

// begin posts without waiting; an answer that does not come has status 0 and the error in its body.
func (h *httpServer) begin(path, body string) <-chan reply {
	answered := make(chan reply, 1)
	go func() {
		r, err := h.do(http.MethodPost, path, body, nil)
		if err != nil {
			r = reply{body: err.Error()}
		}
		answered <- r
	}()
	return answered
}

func (h *httpServer) get(path string) reply {
	h.t.Helper()
	r, err := h.do(http.MethodGet, path, "", nil)
	require.NoError(h.t, err)
	return r
}

// eventStream is a client of HTTP+SSE.
type eventStream struct {
	h        *httpServer
	body     io.ReadCloser
	lines    *bufio.Scanner
	endpoint string
}

func (h *httpServer) openSSE() *eventStream {
	h.t.Helper()
	return h.openSSEAt("/sse")
}

func (h *httpServer) openSSEAt(path string) *eventStream {
	h.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(h.url + path)
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, response.StatusCode)
	e := &eventStream{h: h, body: response.Body, lines: bufio.NewScanner(response.Body)}
	e.lines.Buffer(nil, 1<<20)
	h.t.Cleanup(func() { e.body.Close() })
	relative := e.receive()
	require.False(h.t, strings.HasPrefix(relative, "/"), relative)
	endpoint, err := response.Request.URL.Parse(relative)
	require.NoError(h.t, err)
	e.endpoint = strings.TrimPrefix(endpoint.String(), h.url)
	require.True(h.t, strings.HasPrefix(e.endpoint, "/message?sessionId="), e.endpoint)
	return e
}

// receive is the data of the next event; "" at the end of the stream.
func (e *eventStream) receive() string {
	for e.lines.Scan() {
		if data, ok := bytes.CutPrefix(e.lines.Bytes(), []byte("data: ")); ok {
			return string(data)
		}
	}
	return ""
}

func (e *eventStream) send(message string) {
	e.h.t.Helper()
	require.Equal(e.h.t, http.StatusAccepted, e.h.post(e.endpoint, message).status)
}

func token(letter string) string { return strings.Repeat(letter, 32) }

func guards(tokens ...string) guard.Guards { return guard.Guards{Tokens: tokens} }

// memoryConn is the connection of an event stream whose client takes all at once.
type memoryConn struct{ bytes.Buffer }

func (*memoryConn) SetWriteDeadline(time.Time) error { return nil }

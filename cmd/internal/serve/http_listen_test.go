package serve

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

// subscribe opens a stream of notifications on /mcp, under the id 1, and returns the events after the first.
func (h *httpServer) subscribe() *eventStream {
	h.t.Helper()
	r, err := http.NewRequest(http.MethodPost, h.url+"/mcp", listenRequest())
	require.NoError(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range listenHeader {
		r.Header.Set(name, value)
	}
	response, err := h.client.Do(r)
	require.NoError(h.t, err)
	require.Equal(h.t, typeEventStream, response.Header.Get("Content-Type"))
	h.t.Cleanup(func() { response.Body.Close() })
	e := &eventStream{h: h, body: response.Body, lines: bufio.NewScanner(response.Body)}
	require.Contains(h.t, e.receive(), "acknowledged")
	return e
}

// requireChanged says that the next event tells of a change of the tools, and of which subscription it is.
func requireChanged(t *testing.T, event string) {
	t.Helper()
	var n struct {
		Method string
		Params struct {
			Meta map[string]any `json:"_meta"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(event), &n), event)
	require.Equal(t, mcp.MethodNotificationToolsListChanged, n.Method)
	require.EqualValues(t, 1, n.Params.Meta[mcp.MetaKeySubscriptionID], event)
}

func TestASubscriberIsToldWhatItAskedFor(t *testing.T) {
	s := newFixture().server()
	h := startHTTP(t, s, HTTP{})
	subscribers := []*eventStream{h.subscribe(), h.subscribe()}
	for _, other := range []string{mcp.MethodNotificationPromptsListChanged, mcp.MethodNotificationResourcesListChanged, "notifications/fixture"} {
		s.MCP.SendNotificationToAllClients(other, nil)
	}
	s.MCP.AddTool(mcp.NewTool("new"), askUser)
	for _, e := range subscribers {
		requireChanged(t, e.receive()) // and nothing came before it
	}
	subscribers[0].body.Close()
	s.MCP.DeleteTools("new")
	requireChanged(t, subscribers[1].receive())
}

// inBubbleOver is inBubble with a client that speaks one version of HTTP. Over HTTP/2, an expired deadline ends a stream by
// itself.
func inBubbleOver(t *testing.T, http2 bool, test func(t *testing.T, s *Server, h *httpServer)) {
	t.Helper()
	certFile, keyFile, pool := certificate(t)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s, protocol := newFixture().server(), "http/1.1"
		if http2 {
			protocol = "h2"
		}
		// Without tickets, which the server would write while the client writes, too: neither would read.
		secure := tls.NewListener(p, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{protocol}, SessionTicketsDisabled: true})
		go func() { done <- s.HTTP(ctx, secure, HTTP{}) }()
		transport := &http.Transport{
			ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				p.accepted <- theirs
				return ours, nil
			},
		}
		test(t, s, &httpServer{t: t, url: "https://127.0.0.1", client: &http.Client{Transport: transport}})
		transport.CloseIdleConnections()
		stop()
		require.NoError(t, <-done)
	})
}

func TestAQuietSubscriptionIsNotCutOff(t *testing.T) {
	inBubbleOver(t, true, func(t *testing.T, s *Server, h *httpServer) {
		e := h.subscribe()
		for range 2 {
			time.Sleep(3 * (writeTimeout + bodyTimeout))
			s.MCP.AddTool(mcp.NewTool("new"), askUser)
			requireChanged(t, e.receive())
		}
		e.body.Close()
	})
}

func TestAQuietEventStreamIsNotCutOff(t *testing.T) {
	for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(protocol, func(t *testing.T) {
			inBubbleOver(t, http2, func(t *testing.T, _ *Server, h *httpServer) {
				response, err := h.client.Get(h.url + "/sse")
				require.NoError(t, err)
				require.Equal(t, protocol, response.Proto)
				e := &eventStream{h: h, body: response.Body, lines: bufio.NewScanner(response.Body)}
				endpoint := e.receive()
				events := make(chan string)
				go func() { events <- e.receive() }() // also reads the comments that keep the stream alive
				time.Sleep(3 * (writeTimeout + bodyTimeout))
				require.Equal(t, http.StatusAccepted, h.post("/"+endpoint, callLine(1, "echo")).status)
				require.Equal(t, "1", string(readAnswer(t, <-events).ID))
				response.Body.Close()
			})
		})
	}
}

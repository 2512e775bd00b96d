package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// streamable is a client of a server over Streamable HTTP.
type streamable struct {
	request request // what every call sends
	poster
}

func newStreamable(endpoint string, modern bool) *streamable {
	s := &streamable{callTool, poster{endpoint: get(url.Parse(endpoint))}}
	s.headers = "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
	if modern {
		s.request = callModern
		s.headers = strings.Replace(s.headers, "2025-11-25", "2026-07-28", 1) + "Mcp-Method: tools/call\r\nMcp-Name: send_message_interaction\r\n"
	}
	return s
}

func (s *streamable) run(l load) (sample, error) {
	s.dial(l.InFlight)
	return closedLoop(l, func(caller, number int) error {
		answer, err := s.conns[caller].post(s.request.number(number), "200")
		if err != nil {
			return err
		}
		return check(answer, false)
	})
}

// poster has a connection for each call in flight, which stays open.
type poster struct {
	endpoint *url.URL
	headers  string // header lines besides those of every request
	conns    []*conn
}

// dial adds connections until there are n.
func (p *poster) dial(n int) {
	head := "POST " + p.endpoint.RequestURI() + " HTTP/1.1\r\nHost: " + p.endpoint.Host + "\r\nContent-Type: application/json\r\n" + p.headers + "Content-Length: "
	for len(p.conns) < n {
		c := get(net.Dial("tcp", p.endpoint.Host))
		p.conns = append(p.conns, &conn{c, head, bufio.NewReaderSize(c, 8<<10)})
	}
}

// conn is a connection to a server for one request at a time.
type conn struct {
	net.Conn
	head string // of every request, up to the length of the body
	in   *bufio.Reader
}

// post sends a message and returns the body of the answer. It reads only the header lines that it needs: net/http's
// own reader would cost several microseconds a call.
func (c *conn) post(message, wantStatus string) ([]byte, error) {
	if _, err := fmt.Fprintf(c, "%s%d\r\n\r\n%s", c.head, len(message), message); err != nil {
		return nil, err
	}
	status, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	after := 0 // bytes between the body and the next answer
	for line := []byte(status); len(line) > len("\r\n"); {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return nil, err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			length, _ := strconv.ParseInt(string(value), 10, 64)
			body = io.LimitReader(c.in, length)
		} else if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			body, after = httputil.NewChunkedReader(c.in), len("\r\n")
		}
	}
	answer, err := io.ReadAll(body)
	if err == nil && !strings.HasPrefix(status, "HTTP/1.1 "+wantStatus) {
		err = fmt.Errorf("want status %s, got %s: %.300s", wantStatus, strings.TrimSpace(status), answer)
	}
	_, _ = c.in.Discard(after)
	return answer, err
}

// sse is a client of a server over HTTP+SSE: it posts messages, and one event stream brings the answers.
type sse struct {
	poster
	ended   chan struct{} // closed at the end of the stream
	waiting sync.Map      // who waits for an answer: chan []byte by id
}

// openSSE begins a session with the server that has its event stream at the URL.
func openSSE(stream string) *sse {
	const buffer = 64 << 10 // many answers fit into one read
	client := http.Client{Transport: &http.Transport{ReadBufferSize: buffer}}
	response := get(client.Get(stream))
	events := bufio.NewReaderSize(response.Body, buffer)
	endpoint := get(response.Request.URL.Parse(string(get(nextEvent(events)))))
	s := &sse{poster: poster{endpoint: endpoint}, ended: make(chan struct{})}
	go s.read(events)
	s.dial(1)
	must(s.call(s.conns[0], 1, initialize))
	get(s.conns[0].post(initialized, "202"))
	return s
}

// nextEvent returns the data of the next event, which stays valid until the next call.
func nextEvent(events *bufio.Reader) ([]byte, error) {
	for {
		line, err := events.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("event stream: %w", err)
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			return bytes.TrimSpace(data), nil
		}
	}
}

// read hands each answer to the call that waits for it.
func (s *sse) read(events *bufio.Reader) {
	defer close(s.ended)
	for {
		answer, err := nextEvent(events)
		if err != nil {
			return
		}
		id, err := idOf(answer)
		if err != nil {
			return
		}
		if waiting, ok := s.waiting.LoadAndDelete(id); ok {
			waiting.(chan []byte) <- bytes.Clone(answer)
		}
	}
}

// call posts a message and waits for the answer.
func (s *sse) call(c *conn, id int, message string) error {
	waiting := make(chan []byte, 1)
	s.waiting.Store(id, waiting)
	if _, err := c.post(message, "202"); err != nil {
		return err
	}
	select {
	case answer := <-waiting:
		return check(answer, false)
	case <-s.ended:
		return errors.New("the event stream ended")
	}
}

func (s *sse) run(l load) (sample, error) {
	s.dial(l.InFlight)
	return closedLoop(l, func(caller, number int) error {
		return s.call(s.conns[caller], number, callTool.number(number))
	})
}

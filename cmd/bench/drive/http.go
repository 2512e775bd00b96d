package drive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"twilio-proxy-mcp/cmd/bench/measure"
)

// HTTP is a client of a server over Streamable HTTP. Each call under way has a
// connection of its own, which is kept for the next.
type HTTP struct {
	Request Request
	URL     string // of the endpoint
	Headers string // lines that every request has besides those that HTTP itself needs

	conns []*conn
}

// NewHTTP returns a client of the endpoint, of revision 2025-11-25 or of
// 2026-07-28.
func NewHTTP(endpoint string, modern bool) *HTTP {
	const accept = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	if modern {
		return &HTTP{Request: Modern, URL: endpoint, Headers: accept +
			"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: send_message_interaction\r\n"}
	}
	return &HTTP{Request: Call, URL: endpoint, Headers: accept + "MCP-Protocol-Version: 2025-11-25\r\n"}
}

// Run makes the calls of a load.
func (h *HTTP) Run(load measure.Load) (measure.Sample, error) {
	for len(h.conns) < load.InFlight {
		c, err := dial(h.URL, h.Headers)
		if err != nil {
			return measure.Sample{}, err
		}
		h.conns = append(h.conns, c)
	}
	return measure.ClosedLoop(load, func(place, number int) error {
		c := h.conns[place]
		c.message = h.Request.appendTo(c.message[:0], number)
		status, answer, err := c.post(c.message)
		if err != nil {
			return err
		}
		if status != 200 {
			return fmt.Errorf("status %d: %.300s", status, answer)
		}
		return failed(answer)
	})
}

// Close closes the connections.
func (h *HTTP) Close() {
	for _, c := range h.conns {
		c.Close()
	}
}

// conn is one connection to a server, on which one request is under way.
type conn struct {
	net.Conn
	head    []byte // of every request, up to the length of the body
	in      *bufio.Reader
	message []byte
	request []byte
	body    []byte
}

func dial(endpoint, headers string) (*conn, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	head := "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n" + headers + "Content-Length: "
	return &conn{Conn: c, head: []byte(head), in: bufio.NewReaderSize(c, 8<<10)}, nil
}

// post returns the answer's status and body, which stay valid until the next
// call.
func (c *conn) post(message []byte) (int, []byte, error) {
	c.request = append(c.request[:0], c.head...)
	c.request = strconv.AppendInt(c.request, int64(len(message)), 10)
	c.request = append(append(c.request, "\r\n\r\n"...), message...)
	if _, err := c.Write(c.request); err != nil {
		return 0, nil, err
	}
	status, length, err := c.header()
	if err != nil {
		return 0, nil, err
	}
	c.body = c.body[:0]
	if length >= 0 {
		err = c.read(length)
	} else {
		err = c.chunks()
	}
	return status, c.body, err
}

// header reads up to the body. The length is -1 when the body is in chunks.
func (c *conn) header() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case !ok:
			return status, length, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				return 0, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = -1
		}
	}
}

func (c *conn) read(length int) error {
	at := len(c.body)
	c.body = append(c.body, make([]byte, length)...)
	_, err := io.ReadFull(c.in, c.body[at:])
	return err
}

func (c *conn) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.read(int(size)); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || size == 0 {
			return err
		}
	}
}

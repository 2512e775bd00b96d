package drive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http/httputil"
	"net/url"
	"sync"

	"twilio-proxy-mcp/cmd/bench/measure"
)

// SSE is a client of a server over the HTTP+SSE transport: messages are posted,
// answers arrive on one event stream.
type SSE struct {
	stream   net.Conn
	in       *bufio.Reader
	endpoint string
	conns    []*conn

	mu      sync.Mutex
	waiting map[int]chan []byte // by id
	broken  error
}

// OpenSSE begins a session with the server whose event stream is at the URL.
func OpenSSE(stream string) (*SSE, error) {
	u, err := url.Parse(stream)
	if err != nil {
		return nil, err
	}
	s := &SSE{waiting: map[int]chan []byte{}}
	if s.stream, err = net.Dial("tcp", u.Host); err != nil {
		return nil, err
	}
	s.in = bufio.NewReaderSize(s.stream, 64<<10)
	if _, err := fmt.Fprintf(s.stream, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return nil, err
	}
	if err := s.header(); err != nil {
		return nil, err
	}
	endpoint, err := s.data()
	if err != nil {
		return nil, err
	}
	to, err := u.Parse(string(endpoint))
	if err != nil {
		return nil, err
	}
	s.endpoint = to.String()
	go s.read()
	if err := s.dial(1); err != nil {
		return nil, err
	}
	if _, err := s.call(0, 1, []byte(Initialize)); err != nil {
		return nil, err
	}
	_, _, err = s.conns[0].post([]byte(Initialized))
	return s, err
}

// dial sees to it that there are so many connections to post on.
func (s *SSE) dial(conns int) error {
	for len(s.conns) < conns {
		c, err := dial(s.endpoint, "Content-Type: application/json\r\n")
		if err != nil {
			return err
		}
		s.conns = append(s.conns, c)
	}
	return nil
}

// header reads up to the stream itself.
func (s *SSE) header() error {
	chunked := false
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.Contains(line, []byte(" 200 ")):
			return fmt.Errorf("the event stream was refused: %q", line)
		case bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")):
			chunked = true
		case len(line) == 2 && chunked:
			s.in = bufio.NewReaderSize(httputil.NewChunkedReader(s.in), 64<<10)
			return nil
		case len(line) == 2:
			return nil
		}
	}
}

// data returns the data of the next event.
func (s *SSE) data() ([]byte, error) {
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			return bytes.TrimSpace(data), nil
		}
	}
}

func (s *SSE) read() {
	for {
		answer, err := s.data()
		var id int
		if err == nil {
			id, err = idOf(answer)
		}
		s.mu.Lock()
		if err != nil {
			s.broken = err
			for id, waiting := range s.waiting {
				delete(s.waiting, id)
				close(waiting)
			}
			s.mu.Unlock()
			return
		}
		if waiting := s.waiting[id]; waiting != nil {
			delete(s.waiting, id)
			waiting <- bytes.Clone(answer)
		}
		s.mu.Unlock()
	}
}

// call posts a message on the connection of the given place, and waits for the
// answer.
func (s *SSE) call(place, id int, message []byte) ([]byte, error) {
	answer := make(chan []byte, 1)
	s.mu.Lock()
	s.waiting[id] = answer
	broken := s.broken
	s.mu.Unlock()
	if broken != nil {
		return nil, broken
	}
	status, text, err := s.conns[place].post(message)
	if err == nil && status != 202 {
		err = fmt.Errorf("status %d: %.300s", status, text)
	}
	if err != nil {
		return nil, err
	}
	if got, ok := <-answer; ok {
		return got, failed(got)
	}
	return nil, errors.New("the event stream ended")
}

// Run makes the calls of a load.
func (s *SSE) Run(load measure.Load) (measure.Sample, error) {
	if err := s.dial(load.InFlight); err != nil {
		return measure.Sample{}, err
	}
	return measure.ClosedLoop(load, func(place, number int) error {
		c := s.conns[place]
		c.message = Call.appendTo(c.message[:0], number)
		_, err := s.call(place, number, c.message)
		return err
	})
}

// Close ends the session.
func (s *SSE) Close() {
	s.stream.Close()
	for _, c := range s.conns {
		c.Close()
	}
}

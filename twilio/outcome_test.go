package twilio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// word says in one word whether the message was sent.
func word(created *Created, err error) string {
	switch err.(type) {
	case nil:
		if created.Unreadable != nil {
			return "yes, unreadable"
		}
		return "yes"
	case *Error, *NotSentError:
		return "no"
	case *OutcomeUnknownError:
		return "unknown"
	default:
		return fmt.Sprintf("untyped: %v", err)
	}
}

func TestEveryStatusGivesTheRightWord(t *testing.T) {
	table := []struct {
		word     string
		statuses []int
	}{
		{"yes", []int{200, 201, 202, 203, 206, 207, 226, 299}},
		{"no", []int{300, 301, 302, 303, 304, 305, 307, 308, 399}},
		{"no", []int{400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499}},
		{"unknown", []int{204, 205}}, // net/http reads no body of a 204; a 205 has none here; and nothing else shows that an API answered
		{"unknown", []int{101, 408, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 524, 529, 599, 600, 999}},
	}
	for _, row := range table {
		for _, status := range row.statuses {
			t.Run(fmt.Sprint(status), func(t *testing.T) {
				var asked atomic.Int32
				address := listen(t, func(conn net.Conn) {
					readRequest(conn)
					asked.Add(1)
					body := documentedAnswer
					if status == 205 || status == 204 || status == 304 {
						body = ""
					}
					// 600 seconds are longer than the call's timeout, so a 429 is not tried again.
					fmt.Fprintf(conn, "HTTP/1.1 %d Some Text\r\nLocation: /elsewhere\r\nRetry-After: 600\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
				})
				created, err := testClient(t, "http://"+address).CreateMessageInteraction(t.Context(), testMessage, nil)
				require.Equal(t, row.word, word(created, err), "%v", err)
				require.EqualValues(t, 1, asked.Load(), "one attempt and no more")
				if err == nil {
					return
				}
				answered, ok := asError(err)
				require.True(t, ok)
				require.Equal(t, status, answered.Status)
				require.Equal(t, 600*time.Second, answered.RetryAfter)
				require.Equal(t, row.word == "no", strings.Contains(err.Error(), "nothing was sent"), err.Error())
				require.Equal(t, row.word == "unknown", strings.Contains(err.Error(), "is unknown"), err.Error())
			})
		}
	}
}

// Each case has a server that breaks the connection at another moment.
func TestBrokenConnections(t *testing.T) {
	reset := func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }
	for _, test := range []struct {
		name, word string
		serve      func(net.Conn) // afterwards the connection is closed
		text       string
	}{
		{"closed before a byte was read", "unknown", func(net.Conn) {}, ""},
		{"reset within the request", "unknown", func(c net.Conn) { io.ReadFull(c, make([]byte, 10)); reset(c) }, ""},
		{"closed after the request", "unknown", func(c net.Conn) { readRequest(c) }, "no answer came"},
		{"reset after the request", "unknown", func(c net.Conn) { readRequest(c); reset(c) }, "no answer came"},
		{"closed within the status line", "unknown", say("HTTP/1."), "broke off"},
		{"closed within the headers", "unknown", say("HTTP/1.1 200 OK\r\nContent-Le"), "broke off"},
		{"no HTTP at all", "unknown", say("SSH-2.0-OpenSSH_9.9\r\n"), "malformed"},
		{"headers without end", "unknown", say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader*2) + "\r\n\r\n{}"), ""},
		{"reset within the body", "yes, unreadable", func(c net.Conn) { say("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"sid\":")(c); reset(c) }, ""},
		{"body cut off", "yes, unreadable", say("HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{\"sid\":"), "broke off after 7 bytes"},
		{"chunked body cut off", "yes, unreadable", say("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"sid\":"), "broke off"},
		{"broken chunk", "yes, unreadable", say("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off"},
		{"half JSON, whole body", "yes, unreadable", say("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"sid\":"), "no JSON object"},
		{"HTML", "yes, unreadable", say("HTTP/1.1 200 OK\r\nTwilio-Request-Id: x\r\nContent-Length: 6\r\n\r\n<html>"), "no JSON object"},
		{"null", "yes, unreadable", say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull"), "no JSON object"},
		{"empty", "yes, unreadable", say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"), "no JSON object"},
		{"broken chunk of nobody's", "unknown", say("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "not in the form"},
		{"HTML of nobody's", "unknown", say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), "not in the form"},
		{"null of nobody's", "unknown", say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull"), "not in the form"},
		{"empty and nobody's", "unknown", say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "not in the form"},
		{"too long", "yes, unreadable", say("HTTP/1.1 200 OK\r\n\r\n{\"sid\":\"" + strings.Repeat("x", maxObject) + "\"}"), "longer than"},
		{"too long by its length", "yes, unreadable", say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{\"sid\":\"%s", maxObject+1, strings.Repeat("x", maxObject))), "longer than"},
		{"a length past all memory", "yes, unreadable", say("HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n{\"sid\":"), "broke off after 7 bytes"},
		{"as long as may be", "yes", say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{\"type\":\"message\"}%s", maxObject, strings.Repeat(" ", maxObject-18))), ""},
		{"error with its body cut off", "no", say("HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n{\"code\":20404,\"mess"), "code 20404"},
		{"server error with its body cut off", "unknown", say("HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\n{\"code\":20500,\"mess"), "code 20500"},
		{"an answer after interim ones", "yes", say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"type\":\"message\"}"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var connections atomic.Int32
			address := listen(t, func(conn net.Conn) { connections.Add(1); test.serve(conn) })
			c := testClient(t, "http://"+address)
			var seen []Exchange
			c.Observe = func(e Exchange) { seen = append(seen, e) }
			created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
			require.Equal(t, test.word, word(created, err), "%v", err)
			said := err
			if err == nil {
				said = created.Unreadable
			}
			if said != nil {
				require.Contains(t, said.Error(), test.text)
			}
			require.Len(t, seen, 1)
			require.EqualValues(t, 1, connections.Load(), "never attempted a second time")
		})
	}
}

func TestRefusedConnectionIsTriedAgainAndNotSent(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:1") // nothing listens on this port
	var seen []Exchange
	c.Observe = func(e Exchange) { seen = append(seen, e) }
	asked := 0
	_, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { asked++; return nil })
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorContains(t, err, "nothing was sent: no connection")
	require.Len(t, seen, maxConnects)
	require.Equal(t, maxConnects, asked, "the hook is asked before each attempt")
	require.Equal(t, Exchange{Operation: "CreateMessageInteraction", Retries: 3, Duration: seen[3].Duration}, seen[3])
}

func TestNamesThatDoNotExistAreNotTriedAgain(t *testing.T) {
	require.True(t, isPermanent(&NotSentError{Err: &networkError{err: &net.OpError{Err: &net.DNSError{IsNotFound: true}}}}))
	require.False(t, isPermanent(&NotSentError{Err: &net.DNSError{IsTemporary: true}}))
}

func TestRedirectIsNotFollowedAndTheCredentialsStay(t *testing.T) {
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("followed with %v", r.Header) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere.URL+r.RequestURI)
			w.WriteHeader(status)
		})
		c := testClient(t, s.URL)
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.ErrorContains(t, err, "redirect")
		for _, err = range c.ListInteractions(t.Context(), testService, testSession, Paging{}) {
			require.ErrorContains(t, err, "redirect")
		}
	}
}

// listen calls handle for each raw connection and then closes it.
func listen(t testing.TB, handle func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// readRequest reads one request and returns its body.
func readRequest(conn net.Conn) string {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return ""
	}
	body, _ := io.ReadAll(r.Body)
	return string(body)
}

func say(bytes string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, bytes)
	}
}

func asError(err error) (*Error, bool) {
	if unknown, ok := err.(*OutcomeUnknownError); ok {
		err = unknown.Err
	}
	e, ok := err.(*Error)
	return e, ok
}

//go:build unix

package twilio

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A deafConn is a connection whose end its reader does not notice: as if net/http's
// goroutine had no turn yet.
type deafConn struct {
	*net.TCPConn
	deaf   atomic.Bool
	ended  chan struct{} // closed when the kernel knows more than the reader
	closed chan struct{} // closed when this side closes the connection
	once   sync.Once
	wrote  atomic.Int32 // bytes, after deaf was set
}

func (d *deafConn) Read(p []byte) (int, error) {
	raw, err := d.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
	if d.deaf.Load() {
		close(d.ended)
		<-d.closed
		return 0, net.ErrClosed
	}
	if err != nil {
		return 0, err
	}
	return d.TCPConn.Read(p)
}

func (d *deafConn) Write(p []byte) (int, error) {
	n, err := d.TCPConn.Write(p)
	if d.deaf.Load() {
		d.wrote.Add(int32(n))
	}
	return n, err
}

func (d *deafConn) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.TCPConn.Close()
}

// staleUpstream answers the first request of each connection. If end is not nil, it
// then ends the first connections with it, when the test allows that.
type staleUpstream struct {
	client *Client
	conns  []*deafConn
	goOn   chan struct{}
	read   atomic.Int32
}

func newStaleUpstream(t *testing.T, scheme string, ends int, end func(conn net.Conn, under *net.TCPConn)) *staleUpstream {
	u := &staleUpstream{goOn: make(chan struct{})}
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	t.Cleanup(cert.Close)
	var accepted, answered atomic.Int32
	u.client = testClient(t, scheme+"://"+listen(t, func(conn net.Conn) {
		under, first := conn.(*net.TCPConn), accepted.Add(1) <= int32(ends)
		if scheme == "https" {
			conn = tls.Server(conn, cert.TLS)
		}
		in := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			u.read.Add(1)
			for n := answered.Add(1); n < int32(ends); n = answered.Load() {
				time.Sleep(time.Millisecond) // until each of the first requests has a connection
			}
			io.WriteString(conn, documented())
			if first {
				<-u.goOn
				end(conn, under)
				return
			}
		}
	}))
	u.client.UserAgent = strings.Repeat("x", 10_000) // net/http's own buffer would be too small
	u.client.Timeout = 5 * time.Second               // only a failing test takes that long
	require.NoError(t, u.client.Check())
	u.client.pool.TLSClientConfig.RootCAs = x509.NewCertPool()
	u.client.pool.TLSClientConfig.RootCAs.AddCert(cert.Certificate())
	var mu sync.Mutex
	u.client.pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		u.conns = append(u.conns, &deafConn{TCPConn: conn.(*net.TCPConn), ended: make(chan struct{}), closed: make(chan struct{})})
		return u.conns[len(u.conns)-1], nil
	}
	return u
}

// send sends n messages at once.
func (u *staleUpstream) send(t *testing.T, n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := u.client.CreateMessageInteraction(t.Context(), testMessage, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// The kernel knows that the server has closed the kept connections, and net/http
// does not know it yet. Nothing is written to them, and the message is sent on a
// new connection, at once.
func TestAStaleConnectionIsSeenBeforeTheFirstByte(t *testing.T) {
	goodbye := map[string]int32{"http": 0, "https": 24} // TLS says that it closes, in one record
	for name, end := range map[string]func(net.Conn, *net.TCPConn){
		"closed":             func(_ net.Conn, under *net.TCPConn) { under.Close() },
		"reset":              func(_ net.Conn, under *net.TCPConn) { under.SetLinger(0); under.Close() },
		"closed for writing": func(_ net.Conn, under *net.TCPConn) { under.CloseWrite(); io.Copy(io.Discard, under) },
		"closed with a word": func(conn net.Conn, _ *net.TCPConn) {
			io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\n\r\n")
			conn.Close()
		},
		"closed with an alert": func(conn net.Conn, _ *net.TCPConn) { conn.Close() },
	} {
		for _, scheme := range []string{"http", "https"} {
			for _, conns := range []int{1, 3} {
				t.Run(name+", "+scheme, func(t *testing.T) {
					u := newStaleUpstream(t, scheme, conns, end)
					u.send(t, conns)
					require.Len(t, u.conns, conns)
					for _, conn := range u.conns {
						conn.deaf.Store(true)
					}
					close(u.goOn)
					for _, conn := range u.conns {
						<-conn.ended
					}
					var seen []Exchange
					asked := 0
					u.client.Observe = func(e Exchange) { seen = append(seen, e) }
					_, err := u.client.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { asked++; return nil })
					require.NoError(t, err)
					require.EqualValues(t, conns+1, u.read.Load())
					require.Len(t, u.conns, conns+1, "one new connection")
					require.Len(t, seen, 1, "a stale connection is no exchange")
					require.Equal(t, 2, asked, "before the call, and for the new connection")
					for _, conn := range u.conns[:conns] {
						require.LessOrEqual(t, conn.wrote.Load(), goodbye[scheme])
					}
				})
			}
		}
	}
}

// A caller that gives up while a stale connection is found gets no new one.
func TestAStaleConnectionAfterACancellationIsNotSent(t *testing.T) {
	u := newStaleUpstream(t, "http", 1, func(conn net.Conn, _ *net.TCPConn) { conn.Close() })
	u.send(t, 1)
	u.conns[0].deaf.Store(true)
	close(u.goOn)
	<-u.conns[0].ended
	ctx, cancel := context.WithCancel(t.Context())
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel() }})
	_, err := u.client.CreateMessageInteraction(ctx, testMessage, nil)
	require.ErrorAs(t, err, new(*NotSentError))
	require.EqualValues(t, 1, u.read.Load())
}

// A server that closes idle connections early is given a new one in time.
func TestAConnectionIsIdleForLessTimeAfterItWasClosedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int32
		broken := true
		c := piped(t, "http", &connections, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if connections.Load() == 1 && !broken {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, documentedAnswer)
		})
		send := func(want string, wantConnections int) {
			created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
			require.Equal(t, want, word(created, err), "%v", err)
			require.EqualValues(t, wantConnections, connections.Load())
		}
		send("yes", 1)
		time.Sleep(5 * time.Second)
		broken = false
		send("unknown", 1) // the close came too late to be seen
		send("yes", 2)
		time.Sleep(2 * time.Second)
		send("yes", 2)
		time.Sleep(3 * time.Second)
		send("yes", 3)
		time.Sleep(memory)
		send("yes", 4) // idle for too long anyway
		time.Sleep(idleTimeout - time.Second)
		send("yes", 4)
		time.Sleep(idleTimeout + time.Second)
		send("yes", 5)
	})
}

// An answer that is lost on a busy connection says nothing about idle ones.
func TestALostAnswerOnABusyConnectionDoesNotEndTheReuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int32
		requests := 0
		c := piped(t, "http", &connections, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if requests++; requests == 2 {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, documentedAnswer)
		})
		for n := range 20 {
			created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
			require.Equal(t, n == 1, word(created, err) == "unknown", "%v", err)
			time.Sleep(10 * time.Millisecond)
		}
		require.EqualValues(t, 2, connections.Load())
	})
}

func TestIdleConnectionsAreClosedAfterTwentySeconds(t *testing.T) {
	require.LessOrEqual(t, idleTimeout, 20*time.Second)
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, "http", new(atomic.Int32), func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, documentedAnswer)
		})
		var conn *closing
		dial := c.pool.DialContext
		c.pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			under, err := dial(ctx, network, address)
			conn = &closing{Conn: under}
			return conn, err
		}
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.NoError(t, err)
		time.Sleep(20*time.Second - time.Millisecond)
		require.False(t, conn.closed.Load())
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		require.True(t, conn.closed.Load())
	})
}

type closing struct {
	net.Conn
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

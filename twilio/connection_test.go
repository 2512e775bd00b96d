package twilio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// secure starts a TLS server that speaks HTTP/2 and a client that trusts it.
func secure(t testing.TB, h http.HandlerFunc, connections *atomic.Int32) *Client {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ConnState = countNew(connections)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := testClient(t, s.URL)
	require.NoError(t, c.Check())
	c.pool.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.pool.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	return c
}

func countNew(connections *atomic.Int32) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
}

func TestAServerThatSpeaksHTTP2GetsHTTP1(t *testing.T) {
	var proto, offered string
	c := secure(t, func(w http.ResponseWriter, r *http.Request) {
		proto, offered = r.Proto, r.TLS.NegotiatedProtocol
		io.WriteString(w, documentedAnswer)
	}, new(atomic.Int32))
	_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", proto)
	require.NotEqual(t, "h2", offered)
}

func TestWithAnUntrustedCertificateNothingIsSentOrTriedAgain(t *testing.T) {
	c := secure(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached the server") }, new(atomic.Int32))
	c.pool.TLSClientConfig.RootCAs = x509.NewCertPool()
	attempts := 0
	_, err := c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { attempts++; return nil })
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorAs(t, err, new(*tls.CertificateVerificationError))
	require.Equal(t, 1, attempts)
}

// net/http drops a connection whose writer has not finished 50 ms after the answer. That can happen on a loaded machine,
// so the test runs in a synctest bubble, where time stands still while any goroutine works.
func TestConcurrentCallsReuseTheirConnections(t *testing.T) {
	const callers, calls = 64, 5
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var connections, requests atomic.Int32
				all := make(chan struct{}) // the first requests wait for each other, so each needs a connection of its own
				c := piped(t, scheme, &connections, func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					if requests.Add(1) == callers {
						close(all)
					}
					<-all
					io.WriteString(w, documentedAnswer)
				})
				for range 2 {
					var wg sync.WaitGroup
					for range callers {
						wg.Go(func() {
							for range calls {
								if _, err := c.CreateMessageInteraction(t.Context(), testMessage, nil); err != nil {
									t.Error(err)
								}
							}
						})
					}
					wg.Wait()
					require.EqualValues(t, callers, connections.Load(), "new connections for %d calls", requests.Load())
				}
			})
		})
	}
}

// A call that waits for its dial may get the connection that another call has just finished with. If the wait was longer
// than recheckAfter, the hook is called again.
func TestTheHookIsCalledAgainAfterAWaitForAnotherCallsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var received atomic.Int32
		answer := make(chan struct{})
		c := piped(t, "http", new(atomic.Int32), func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if received.Add(1) == 1 {
				<-answer
			}
			io.WriteString(w, documentedAnswer)
		})
		var other, err error
		go func() { _, other = c.CreateMessageInteraction(t.Context(), testMessage, nil) }()
		synctest.Wait()

		connect := make(chan struct{})
		c.pool.DialContext = func(context.Context, string, string) (net.Conn, error) {
			<-connect
			return nil, errors.New("nobody is there")
		}
		lost, asked := errors.New("the claim is lost"), 0
		go func() {
			_, err = c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error {
				if asked++; asked > 1 {
					return lost
				}
				return nil
			})
		}()
		time.Sleep(2 * recheckAfter)
		close(answer)
		synctest.Wait()
		close(connect)
		require.NoError(t, other)
		require.ErrorAs(t, err, new(*NotSentError))
		require.ErrorIs(t, err, lost)
		require.EqualValues(t, 1, received.Load())

		_, err = c.CreateMessageInteraction(t.Context(), testMessage, func(context.Context, int) error { asked++; return nil })
		require.ErrorContains(t, err, "nobody is there", "the connection that the hook refused is not used again")
	})
}

// piped starts a server and returns a client that talks to it over in-memory pipes.
func piped(t *testing.T, scheme string, connections *atomic.Int32, h http.HandlerFunc) *Client {
	s := httptest.NewUnstartedServer(h)
	require.NoError(t, s.Listener.Close())
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.Listener, s.Config.ConnState = l, countNew(connections)
	c := testClient(t, scheme+"://127.0.0.1")
	require.NoError(t, c.Check())
	c.pool.DialContext = l.dial
	if scheme == "https" {
		s.StartTLS()
		c.pool.TLSClientConfig.RootCAs = x509.NewCertPool()
		c.pool.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return c
}

// net/http notices when an idle connection is closed, and opens a new one.
func TestAKeptConnectionThatWasClosedInTheMeantimeIsReplaced(t *testing.T) {
	var served atomic.Int32
	address := listen(t, func(conn net.Conn) {
		served.Add(1)
		say(documented())(conn) // the headers promise keep-alive, but the connection is closed afterwards
	})
	c := testClient(t, "http://"+address)
	for n := range 20 {
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		// The close may arrive at the moment when the connection is used again. Then
		// the outcome is unknown, and the message is not sent twice.
		if w := word(created, err); w != "yes" {
			require.Equal(t, "unknown", w, "%v", err)
		}
		require.LessOrEqual(t, served.Load(), int32(n+1), "at most one request served for one call")
	}
}

// The server closes a kept-alive connection after it has read the second request.
// net/http would repeat a request that it considers replayable.
func TestARequestOnAKeptConnectionThatIsClosedIsNeverRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // see TestConcurrentCallsReuseTheirConnections
		var connections, requests atomic.Int32
		c := piped(t, "http", &connections, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if requests.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, documentedAnswer)
		})
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.NoError(t, err)
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.Equal(t, "unknown", word(created, err))
		require.EqualValues(t, 2, requests.Load())
		require.EqualValues(t, 1, connections.Load())
	})
}

// The connection closes after it was picked up and before a byte is written. In
// this case net/http would repeat even a POST if it could rewind the body.
func TestNothingWrittenOnAKeptConnectionIsNotRepeatedByNetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections, requests atomic.Int32
		c := piped(t, "http", &connections, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, documentedAnswer)
		})
		dial := c.pool.DialContext
		var last *brokenWrite
		c.pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			last = &brokenWrite{Conn: conn}
			return last, err
		}
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.NoError(t, err)
		last.broken.Store(true)
		created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.Equal(t, "unknown", word(created, err))
		require.ErrorContains(t, err, "no answer came")
		require.EqualValues(t, 1, requests.Load())
	})
}

// brokenWrite is a connection whose writes fail once broken is set.
type brokenWrite struct {
	net.Conn
	broken atomic.Bool
}

func (b *brokenWrite) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, io.ErrClosedPipe
	}
	return b.Conn.Write(p)
}

func documented() string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(documentedAnswer), documentedAnswer)
}

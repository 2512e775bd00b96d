package e2e

import (
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A gate is a listener. While it is shut, it accepts connections but reads nothing
// from them. A TLS handshake then does not finish, so the client writes no request.
type gate struct {
	net.Listener
	came chan struct{} // gets a value when a connection comes while the gate is shut

	mu     sync.Mutex
	closed chan struct{} // nil while the gate is open
}

func (g *gate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil || g.closed == nil {
		return conn, err
	}
	g.came <- struct{}{}
	return gatedConn{conn, g.closed}, nil
}

type gatedConn struct {
	net.Conn
	opened <-chan struct{}
}

func (c gatedConn) Read(p []byte) (int, error) {
	<-c.opened
	return c.Conn.Read(p)
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
	}
	g.closed = nil
}

// startGatedUpstream starts an upstream that has TLS and a gate.
func startGatedUpstream(t testing.TB) *upstream {
	t.Helper()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go trusts no certificate from SSL_CERT_FILE on " + runtime.GOOS)
	}
	u := newUpstream(t)
	u.gate = &gate{Listener: u.server.Listener, came: make(chan struct{}, 8)}
	u.server.Listener = u.gate
	t.Cleanup(u.gate.open) // closing the server waits for its connections
	u.server.StartTLS()
	trusted := filepath.Join(t.TempDir(), "certificate.pem")
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.server.Certificate().Raw})
	require.NoError(t, os.WriteFile(trusted, encoded, 0o644))
	u.env[0] += u.server.URL
	u.env = append(u.env, "SSL_CERT_FILE="+trusted)
	return u
}

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

// A gate is a listener whose connections are taken but not read from while it
// is shut. Behind it a TLS handshake does not go on, and so nothing of a
// request is written.
type gate struct {
	net.Listener
	came chan struct{} // a connection was taken while the gate was shut

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

// startSecretUpstream is an upstream over TLS with a gate before it.
func startSecretUpstream(t testing.TB) *upstream {
	t.Helper()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go trusts no certificate from SSL_CERT_FILE on " + runtime.GOOS)
	}
	u := newUpstream(t)
	u.gate = &gate{Listener: u.server.Listener, came: make(chan struct{}, 8)}
	u.server.Listener = u.gate
	t.Cleanup(u.gate.open) // before the server is closed, which waits
	u.server.StartTLS()
	trusted := filepath.Join(t.TempDir(), "certificate.pem")
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.server.Certificate().Raw})
	require.NoError(t, os.WriteFile(trusted, encoded, 0o644))
	u.env[0] += u.server.URL
	u.env = append(u.env, "SSL_CERT_FILE="+trusted)
	return u
}

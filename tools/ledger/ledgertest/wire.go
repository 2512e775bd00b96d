package ledgertest

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Wire forwards a loopback address to a PostgreSQL server. It can be cut, and it can be stalled.
type Wire struct {
	DSN string // of the server, over this wire

	network, server string

	mu      sync.Mutex
	broken  bool
	stalled chan struct{} // closed when bytes pass again; nil while they do
	streams []net.Conn
}

// NewWire leads to the server of the DSN; it is closed when the test ends.
func NewWire(t testing.TB, dsn string) *Wire {
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	w := &Wire{network: "tcp", server: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))}
	if filepath.IsAbs(config.Host) {
		w.network, w.server = "unix", filepath.Join(config.Host, ".s.PGSQL."+strconv.Itoa(int(config.Port)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close(); w.Cut() })
	through, err := url.Parse(dsn)
	require.NoError(t, err)
	through.Host = listener.Addr().String()
	query := through.Query()
	query.Del("host")
	query.Set("sslmode", "disable")
	through.RawQuery = query.Encode()
	w.DSN = through.String()
	go w.accept(listener)
	return w
}

func (w *Wire) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		w.forward(client)
	}
}

func (w *Wire) forward(client net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		client.Close()
		return
	}
	server, err := net.Dial(w.network, w.server)
	if err != nil {
		client.Close()
		return
	}
	w.streams = append(w.streams, client, server)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			io.Copy(stallable{way[0], w}, way[1])
			client.Close()
			server.Close()
		}()
	}
}

// Cut ends every connection and refuses new ones.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	w.flow()
	for _, stream := range w.streams {
		stream.Close()
	}
}

// Mend lets new connections through again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
}

// Stall keeps back every byte until the returned function is called, like a network or a server that is stuck.
func (w *Wire) Stall() (flow func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalled = make(chan struct{})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.flow()
	}
}

func (w *Wire) flow() {
	if w.stalled != nil {
		close(w.stalled)
		w.stalled = nil
	}
}

type stallable struct {
	io.Writer
	wire *Wire
}

func (s stallable) Write(p []byte) (int, error) {
	s.wire.mu.Lock()
	stalled := s.wire.stalled
	s.wire.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	return s.Writer.Write(p)
}

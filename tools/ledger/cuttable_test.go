package ledger

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

// wire forwards a loopback address to a PostgreSQL server until it is cut.
type wire struct {
	dsn             string
	network, server string

	mu      sync.Mutex
	broken  bool
	streams []net.Conn
}

func cuttable(t *testing.T, dsn string) *wire {
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	w := &wire{network: "tcp", server: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))}
	if filepath.IsAbs(config.Host) {
		w.network, w.server = "unix", filepath.Join(config.Host, ".s.PGSQL."+strconv.Itoa(int(config.Port)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close(); w.cut() })
	through, err := url.Parse(dsn)
	require.NoError(t, err)
	through.Host = listener.Addr().String()
	query := through.Query()
	query.Del("host")
	query.Set("sslmode", "disable")
	through.RawQuery = query.Encode()
	w.dsn = through.String()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			w.forward(client)
		}
	}()
	return w
}

func (w *wire) forward(client net.Conn) {
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
			io.Copy(way[0], way[1])
			client.Close()
			server.Close()
		}()
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	for _, stream := range w.streams {
		stream.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
}

package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// Limits of connections.
const (
	headerTimeout  = 10 * time.Second // to send a request's header
	bodyTimeout    = 30 * time.Second // to send all of a request
	writeTimeout   = 30 * time.Second // to take an answer, or one write to an event stream
	idleTimeout    = 2 * time.Minute  // between requests
	maxHeaderBytes = 64 << 10
	maxStreams     = 4096 // event streams at once
)

// HTTP is how a Server is offered over HTTP.
type HTTP struct {
	Guards guard.Guards // also before /metrics; the health routes are not checked for host or token

	Metrics http.Handler // serves /metrics; nil: there is none
	// Other serves every path that is not named here, behind the same guards; nil: there are none. The context of its
	// requests ends when event streams have to.
	Other      http.Handler
	OtherPosts []string // the beginnings of Other's paths that take a POST; one to another path is told where MCP is
	// Ready is asked by /readyz while the server runs; nil is always ready.
	Ready func(context.Context) error
}

// HTTP serves /mcp (Streamable HTTP, stateless), /sse with /message (HTTP+SSE of revision 2024-11-05), /healthz,
// /readyz and /metrics on listener (see guard.Guards.Listen), which it closes.
//
// When ctx ends, /readyz turns to 503 and new calls are refused; the calls in flight get Server.Grace to finish; then
// event streams are closed, and the listener is. The error says when calls were cut off, or why serving failed.
func (s *Server) HTTP(ctx context.Context, listener net.Listener, config HTTP) error {
	base, endBase := context.WithCancel(context.WithoutCancel(ctx))
	defer endBase()
	all := s.newEndpoints(base, config)
	srv := &http.Server{
		Handler:           all.routes(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelWarn),
		// "OPTIONS *" is for the guards, too.
		DisableGeneralOptionsHandler: true,
	}
	serving := make(chan error, 1)
	go func() { serving <- srv.Serve(listener) }()
	select {
	case err := <-serving:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	all.stop() // new calls are refused from here on
	err := s.graceful(all.calls, endBase)
	all.endStreams()
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // for the last answers to be taken
	defer cancel()
	if srv.Shutdown(shutdown) != nil {
		endBase()
		err = errors.Join(err, srv.Close())
	}
	<-serving
	if all.streams.Acquire(shutdown, maxStreams) != nil {
		endBase()
		_ = all.streams.Acquire(context.Background(), maxStreams) // each stream ends with its context
	}
	return err
}

// endpoints is what the routes share.
type endpoints struct {
	server     *Server
	base       context.Context // of event streams that have left net/http
	config     HTTP
	calls      inFlight
	reads      inFlight // of the calls, those that only read
	streams    inFlight
	bodies     guard.Bodies
	stopping   context.Context // ends when nothing more may begin
	stop       context.CancelFunc
	closing    context.Context // ends when event streams have to
	endStreams context.CancelFunc
	sse        sync.Map     // *stream by session id
	unsent     guard.Budget // of all streams
	mcp        http.Handler // mcp-go's Streamable HTTP, for what is passed on
}

func (s *Server) newEndpoints(base context.Context, config HTTP) *endpoints {
	e := &endpoints{
		server:  s,
		base:    base,
		config:  config,
		calls:   newInFlight(int64(s.maxInFlight())),
		reads:   newInFlight(s.maxReads()),
		streams: newInFlight(maxStreams),
		unsent:  guard.Budget{Max: maxUnsent},
		// The Host guard does what mcp-go's own protection against DNS rebinding would, and knows the hosts' names.
		mcp: server.NewStreamableHTTPServer(s.MCP, server.WithStateLess(true), server.WithDisableLocalhostProtection(true),
			server.WithStreamableHTTPLogger(s.log())),
	}
	e.stopping, e.stop = context.WithCancel(context.WithoutCancel(base))
	e.closing, e.endStreams = context.WithCancel(context.WithoutCancel(base))
	e.bodies = guard.Bodies{Max: s.maxMessage(), Patience: bodyTimeout, Stopping: e.stopping, Guards: &e.config.Guards, Shared: guard.Budget{Max: guard.BodiesTotal}}
	return e
}

func (e *endpoints) draining() bool { return e.stopping.Err() != nil }

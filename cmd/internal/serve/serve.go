package serve

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

// Server serves one MCP server over the transports of this package. Set its fields before the first message.
type Server struct {
	MCP *server.MCPServer

	Log         *slog.Logger  // nil: nothing is logged
	MaxInFlight int           // calls running at once; 0 is 1024
	MaxMessage  int           // bytes of one message from a client; 0 is 1 MiB
	Grace       time.Duration // how long calls may still run after the server has to stop; 0 is 30 s

	identity     sync.Once
	identityJSON []byte // see serverInfo
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Server) maxInFlight() int     { return orDefault(s.MaxInFlight, 1024) }
func (s *Server) maxMessage() int      { return orDefault(s.MaxMessage, 1<<20) }
func (s *Server) grace() time.Duration { return orDefault(s.Grace, 30*time.Second) }

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// graceful waits until all that is inside a gate has left: for the grace period, and after that, for calls that heed
// their context, one second more. endCalls ends that context.
func (s *Server) graceful(inside *gate, endCalls func()) error {
	done := inside.close()
	grace := time.NewTimer(s.grace())
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
	}
	endCalls()
	last := time.NewTimer(time.Second)
	defer last.Stop()
	select {
	case <-done:
		return nil
	case <-last.C:
		if inside.size() == 0 { // both came at once
			return nil
		}
		return fmt.Errorf("%d calls were still in flight after the grace period of %s", inside.size(), s.grace())
	}
}

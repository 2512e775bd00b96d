package serve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"golang.org/x/sync/semaphore"
)

// Server serves one MCP server over the transports of this package. Set its fields before the first message.
type Server struct {
	MCP  *server.MCPServer
	Info mcp.Implementation // the name and version that MCP was made with

	Log         *slog.Logger  // nil: nothing is logged
	MaxInFlight int           // calls running at once, at most half of them of tools that only read; 0 is 1024
	MaxMessage  int           // bytes of one message from a client; 0 is 1 MiB
	Grace       time.Duration // how long calls may still run after the server has to stop; 0 is 30 s
}

func (s *Server) log() *slog.Logger    { return cmp.Or(s.Log, slog.New(slog.DiscardHandler)) }
func (s *Server) maxInFlight() int     { return cmp.Or(s.MaxInFlight, 1024) }
func (s *Server) maxMessage() int      { return cmp.Or(s.MaxMessage, 1<<20) }
func (s *Server) grace() time.Duration { return cmp.Or(s.Grace, 30*time.Second) }

// inFlight counts what is under way, and refuses or delays more than fits.
type inFlight struct {
	*semaphore.Weighted
	all int64
}

func newInFlight(all int64) inFlight { return inFlight{semaphore.NewWeighted(all), all} }

// maxReads is how many of the calls in flight may be of tools that only read.
func (s *Server) maxReads() int64 { return max(1, int64(s.maxInFlight())/2) }

// onlyReads says whether a message calls a tool that changes nothing.
func (s *Server) onlyReads(m *message) bool {
	tool := s.toolOf(m)
	return tool != nil && tool.Tool.Annotations.ReadOnlyHint != nil && *tool.Tool.Annotations.ReadOnlyHint
}

// graceful waits until nothing is in flight: for the grace period, and then one second more for calls that heed their
// context, which endCalls ends. Nothing new begins meanwhile.
func (s *Server) graceful(calls inFlight, endCalls func()) error {
	for _, patience := range []time.Duration{s.grace(), time.Second} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := calls.Acquire(ctx, calls.all)
		cancel()
		if err == nil {
			return nil
		}
		endCalls()
	}
	return fmt.Errorf("calls were still in flight after the grace period of %s", s.grace())
}

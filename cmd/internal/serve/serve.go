// Package serve serves an MCP server over stdio or HTTP; it knows nothing of what the tools do.
package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

const (
	defaultMaxInFlight = 1024             // calls at once; chosen
	defaultMaxMessage  = 1 << 20          // bytes of one message; chosen
	defaultGrace       = 30 * time.Second // for calls in flight at the end; chosen
)

// Call is one tools/call as it came from the client.
type Call struct {
	Name      string
	Arguments json.RawMessage // nil when absent
	Meta      json.RawMessage // params._meta; nil when absent
}

// Server serves one MCP server over the transports of this package.
// Its fields are set before the first message and not changed after it.
type Server struct {
	MCP *server.MCPServer

	// Call answers a tools/call directly and says whether the tool is its own; a call that is not goes to MCP,
	// past whose hooks, tool filters and handler middleware a call answered here never comes.
	// Nor does anybody hold its Mcp-Param-* headers to its arguments: a tool with x-mcp-header in its schema is for MCP.
	// The result is one CallToolResult JSON object, without the resultType and serverInfo that revision
	// 2026-07-28 asks for: they are added here. It may be called by many goroutines at once; nil answers nothing.
	// ctx ends when the client cancels the call, when it goes away, and when the grace period is over.
	Call func(ctx context.Context, call Call) (json.RawMessage, bool)

	Log         *slog.Logger  // nil: nothing is logged
	MaxInFlight int           // calls running at once; 0 = 1024 (chosen)
	MaxMessage  int           // bytes of one message from a client; 0 = 1 MiB (chosen)
	Grace       time.Duration // how long calls in flight may still run once the server has to stop; 0 = 30 s (chosen)

	identity     sync.Once
	identityJSON []byte // see serverInfo
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Server) maxInFlight() int     { return orDefault(s.MaxInFlight, defaultMaxInFlight) }
func (s *Server) maxMessage() int      { return orDefault(s.MaxMessage, defaultMaxMessage) }
func (s *Server) grace() time.Duration { return orDefault(s.Grace, defaultGrace) }

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

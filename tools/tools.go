package tools

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Tools are the tools of one server. The zero value has none. Set the fields before the first call, and add tools
// with Add.
type Tools struct {
	// Fake says that the tools talk to the built-in fake of Twilio. Every result says so, except those of ReadsLocal tools.
	Fake bool
	// Caller tells who makes a call; nil means that there is one caller.
	Caller func(context.Context) string
	// Deadline bounds a call; 0 is DefaultDeadline.
	Deadline time.Duration
	// Log gets one line for each call; nil discards.
	Log *slog.Logger
	// Observe, when set, hears of every call after it ended.
	Observe func(Observation)

	all      []server.ServerTool
	inFlight atomic.Int64
}

// DefaultDeadline leaves hosts, which give up after 60 seconds, time to read the answer.
const DefaultDeadline = 45 * time.Second

// An Observation is what may be counted of a call. It has no SID and no content.
type Observation struct {
	Tool     string
	Code     Code
	Replayed bool
	Duration time.Duration
}

// Definitions returns the tools as tools/list shows them.
func (t *Tools) Definitions() []mcp.Tool {
	var definitions []mcp.Tool
	for _, tool := range t.all {
		definitions = append(definitions, tool.Tool)
	}
	return definitions
}

// Register offers the tools on an mcp-go server.
func (t *Tools) Register(s *server.MCPServer) { s.AddTools(t.all...) }

// InFlight is the number of calls that are being answered.
func (t *Tools) InFlight() int64 { return t.inFlight.Load() }

// Unknown logs and observes a call to a tool that does not exist. mcp-go answers it. The name is the client's own words
// and appears in no log and no label.
func (t *Tools) Unknown(ctx context.Context) {
	t.ended(ctx, "(unknown)", &Call{Outcome: Outcome{Code: CodeInvalidArguments, Sent: SentNo}}, 0)
}

func (t *Tools) log() *slog.Logger { return cmp.Or(t.Log, slog.New(slog.DiscardHandler)) }

// ended writes the log line of a call and reports its Observation.
func (t *Tools) ended(ctx context.Context, tool string, c *Call, took time.Duration) {
	attrs := append(make([]slog.Attr, 0, 16),
		slog.String("method", string(mcp.MethodToolsCall)),
		slog.String("tool", tool),
		slog.String("outcome", string(c.Outcome.Code)))
	if c.Outcome.Sent != "" {
		attrs = append(attrs, slog.String("sent", string(c.Outcome.Sent)))
	}
	attrs = append(attrs, slog.Bool("replayed", c.Outcome.Replayed), slog.Duration("duration", took))
	if c.Outcome.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", c.Outcome.RequestID))
	}
	if c.Outcome.HTTPStatus != 0 {
		attrs = append(attrs, slog.Int("http_status", c.Outcome.HTTPStatus))
	}
	if c.Outcome.TwilioCode != 0 {
		attrs = append(attrs, slog.Int("twilio_code", c.Outcome.TwilioCode))
	}
	t.log().LogAttrs(ctx, c.Outcome.level(), "tools/call", append(attrs, c.attrs...)...)
	if t.Observe != nil {
		t.Observe(Observation{Tool: tool, Code: c.Outcome.Code, Replayed: c.Outcome.Replayed, Duration: took})
	}
}

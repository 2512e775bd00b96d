// Package tools is what the model sees: the tools, their answers and their
// errors.
package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// Config is what the tools need from their command.
type Config struct {
	// Client talks to the Proxy API or to the fake; required.
	Client *twilio.Client
	// Fake says that Client talks to the built-in fake. Every answer says so.
	Fake bool
	// MaxBodyLength bounds Body in characters; 0 lifts the bound. Twilio
	// documents none for Proxy.
	MaxBodyLength int
	// Ledger remembers sends; nil does without, and then a repeat is a second message.
	Ledger *ledger.Ledger
	// Account and Host are the scope of the ledger's entries: whose messages
	// these are, and at which upstream.
	Account, Host string
	// Caller says who calls, for the scope; nil is one caller.
	Caller func(context.Context) string
	// DuplicateWindow is how long after a message went out the same one,
	// without an idempotency key, is answered with its receipt; 0 is not at all.
	DuplicateWindow time.Duration
	// Limits cap sends by the minute; the zero value caps nothing. They need the Ledger.
	Limits ledger.Limits
	// RateLimit is how many requests of one kind (sends, looks for a lost
	// message) a second go to one Service, over any five seconds, tries after a
	// 429 included; 0 lifts it. Twilio's limit is 30 (Twilio's page on Proxy limits).
	RateLimit int
	// Deadline bounds a call, waiting and looking for a lost message included;
	// 0 is 45 seconds (chosen: hosts give up at 60). It is no more than MaxDeadline.
	Deadline time.Duration
	// Log gets one line a call; nil discards.
	Log *slog.Logger
	// Begun, when set, hears of every call as it begins, and Observe as it ends.
	Begun   func()
	Observe func(Observation)
}

// An Observation is what may be counted of a call: no SID, no content.
type Observation struct {
	Tool     string
	Code     Code
	Replayed bool
	Duration time.Duration
}

// Tools are the tools of one server. Make them with New.
type Tools struct {
	Config
	byName map[string]*tool
	order  []*tool
	rate   *rate // of sends
	looks  *rate // of reading the interactions; Twilio counts each operation by itself
	clock  upstreamClock
}

// MaxDeadline is the longest Deadline: a call has ended before anybody may
// free its message while its process lives. It is 55 seconds.
const MaxDeadline = ledger.SessionGrace - 5*time.Second

// New makes the tools. The error is a deadline that is out of bounds, or a
// schema that does not compile.
func New(c Config) (*Tools, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Deadline == 0 {
		c.Deadline = 45 * time.Second
	}
	if c.Deadline < 0 || c.Deadline > MaxDeadline {
		return nil, fmt.Errorf("tools: a deadline of %v is not between 0 and %v", c.Deadline, MaxDeadline)
	}
	t := &Tools{Config: c, byName: map[string]*tool{}, rate: newRate(c.RateLimit), looks: newRate(c.RateLimit)}
	send, err := sendMessageInteraction(t)
	if err != nil {
		return nil, fmt.Errorf("tools: %w", err)
	}
	t.add(send)
	return t, nil
}

func (t *Tools) add(new *tool) {
	t.byName[new.definition.Name] = new
	t.order = append(t.order, new)
}

func (t *Tools) scope(ctx context.Context) ledger.Scope {
	scope := ledger.Scope{Account: t.Account, Host: t.Host}
	if t.Caller != nil {
		scope.Caller = t.Caller(ctx)
	}
	return scope
}

// Definitions returns the tools as tools/list shows them.
func (t *Tools) Definitions() []mcp.Tool {
	var all []mcp.Tool
	for _, tool := range t.order {
		all = append(all, tool.definition)
	}
	return all
}

// Register offers the tools on an mcp-go server.
func (t *Tools) Register(s *server.MCPServer) {
	for _, tool := range t.order {
		s.AddTool(tool.definition, func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			var meta json.RawMessage
			if request.Params.Meta != nil {
				meta, _ = json.Marshal(request.Params.Meta) // a decoded object always encodes
			}
			return tool.answer(ctx, request.Params.RawArguments, meta).forLibrary(), nil
		})
	}
}

// Call answers a tools/call with the bytes of its result. It returns false for
// a tool that is not one of these. meta is the request's _meta, or nil.
func (t *Tools) Call(ctx context.Context, name string, arguments, meta json.RawMessage) (json.RawMessage, bool) {
	tool, ours := t.byName[name]
	if !ours {
		return nil, false
	}
	return tool.answer(ctx, arguments, meta).encode(), true
}

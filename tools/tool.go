package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/schema"
)

// A tool is a definition with the function behind it. What it promises:
//
//   - arguments that break the published schema never reach the function;
//   - whatever happens is a result, never a protocol error: hosts hide those
//     from the model;
//   - a panic is an `internal` result, and its text goes to the log alone;
//   - each call leaves one log line and one observation.
type tool struct {
	definition mcp.Tool
	input      *schema.Document
	run        func(ctx context.Context, request schema.CreateMessageInteraction, meta Meta, line *Line) result
	tools      *Tools
}

// A Line is what a function adds to its call's log line.
type Line struct{ attrs []slog.Attr }

// headAttrs come first in a log line, and their values are known last;
// lineAttrs have room for what a send adds, a misfit included.
const headAttrs, lineAttrs = 7, 14

func (l *Line) add(attrs ...slog.Attr) { l.attrs = append(l.attrs, attrs...) }

// answer is the whole of one call.
func (t *tool) answer(ctx context.Context, arguments, rawMeta json.RawMessage) result {
	begun := time.Now()
	if t.tools.Begun != nil {
		t.tools.Begun()
	}
	line := Line{attrs: make([]slog.Attr, headAttrs, lineAttrs)}
	r := t.guarded(ctx, arguments, rawMeta, &line)
	r.fake = t.tools.Fake
	took := time.Since(begun)

	t.tools.ended(ctx, t.definition.Name, r.outcome, took, &line)
	return r
}

// unknownTool stands for every name that is no tool's: a client's own words go into no log and no label.
const unknownTool = "(unknown)"

// Unknown leaves the log line and the observation of a call to a tool that is not one of these, which the MCP library
// answers.
func (t *Tools) Unknown(ctx context.Context) {
	if t.Begun != nil {
		t.Begun()
	}
	line := Line{attrs: make([]slog.Attr, headAttrs)}
	t.ended(ctx, unknownTool, Outcome{Code: CodeInvalidArguments, Sent: SentNo}, 0, &line)
}

func (t *Tools) ended(ctx context.Context, tool string, o Outcome, took time.Duration, line *Line) {
	head := [headAttrs]slog.Attr{
		slog.String("method", string(mcp.MethodToolsCall)),
		slog.String("tool", tool),
		slog.String("outcome", string(o.Code)),
		slog.String("sent", string(o.Sent)),
		slog.Bool("replayed", o.Replayed),
		slog.Duration("duration", took),
		{}, // is left out
	}
	if o.RequestID != "" {
		head[headAttrs-1] = slog.String("request_id", o.RequestID)
	}
	copy(line.attrs, head[:])
	t.Log.LogAttrs(ctx, o.level(), "tools/call", line.attrs...)
	if t.Observe != nil {
		t.Observe(Observation{Tool: tool, Code: o.Code, Replayed: o.Replayed, Duration: took})
	}
}

func (t *tool) guarded(ctx context.Context, arguments, rawMeta json.RawMessage, line *Line) (r result) {
	reached := false // whether the function began: after that nobody knows what a panic left behind
	defer func() {
		if p := recover(); p != nil {
			// A panic's value could quote an argument: its type and the stack are enough.
			t.tools.Log.ErrorContext(ctx, "panic in a tool", "tool", t.definition.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			r = panicked(reached)
		}
	}()
	var request schema.CreateMessageInteraction
	if err := request.Decode(t.input, arguments); err != nil {
		return invalidArguments(err)
	}
	meta, err := parseMeta(rawMeta)
	if err != nil {
		return invalidArguments(err)
	}
	reached = true
	return t.run(ctx, request, meta, line)
}

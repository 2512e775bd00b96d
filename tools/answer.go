package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/schema"
)

// tool connects a definition to mcp-go.
type tool[In, Out any] struct {
	Definition[In, Out]
	input *schema.Document
	tools *Tools
}

// handle is the one way into every tool. It keeps what the package comment promises. Its error is always nil.
func (t *tool[In, Out]) handle(ctx context.Context, request mcp.CallToolRequest) (result *mcp.CallToolResult, _ error) {
	begun := time.Now()
	t.tools.inFlight.Add(1)
	defer t.tools.inFlight.Add(-1)
	ctx, cancel := context.WithDeadline(ctx, begun.Add(cmp.Or(t.tools.Deadline, DefaultDeadline)))
	defer cancel()
	call := &Call{Elicitation: elicitation(ctx), State: request.Params.RequestState, answers: request.Params.InputResponses}
	reached := false // whether Run began: after that nobody knows what a panic left behind
	defer func() {
		if p := recover(); p != nil {
			result = t.panicked(ctx, call, p, reached)
		}
		t.tools.ended(ctx, t.Name, call, time.Since(begun))
	}()
	var in In
	err := t.input.Decode(request.Params.RawArguments, &in)
	if meta := request.Params.Meta; err == nil && meta != nil {
		call.progress = meta.ProgressToken
		call.IdempotencyKey, err = idempotencyKey(meta.AdditionalFields)
	}
	if err != nil {
		return t.failed(ctx, call, InvalidArguments(err)), nil
	}
	if t.tools.Caller != nil {
		call.Caller = t.tools.Caller(ctx)
	}
	reached = true
	out, err := t.Run(ctx, call, in)
	if err != nil {
		return t.failed(ctx, call, err), nil
	}
	return t.succeeded(ctx, call, &out), nil
}

// succeeded is the result of a value. Clients that know no structured content read it as a text. What was noted stands
// beside that text, and in the structured content as the notice.
func (t *tool[In, Out]) succeeded(ctx context.Context, call *Call, out *Out) *mcp.CallToolResult {
	if call.Outcome.Code == "" {
		call.Outcome.Code = CodeOK
		if t.Effect == Texts {
			call.Outcome.Code, call.Outcome.Sent = CodeSent, SentYes
		}
	}
	structured, err := encode(out)
	if err != nil || structured[0] != '{' {
		failure := &Failure{Outcome: call.Outcome, Happened: "The result could not be written as JSON.", Next: t.Effect.afterFault()}
		failure.Outcome.Code = CodeInternal
		return t.failed(ctx, call, failure)
	}
	result := t.result(call, append(call.lead, string(structured)))
	structured = withNotice(structured, strings.Join(append(call.lead, call.notes...), " "))
	result.StructuredContent, result.RawStructuredContent = structured, structured
	return result
}

// withNotice adds the notice to an object, which it uses up.
func withNotice(object json.RawMessage, words string) json.RawMessage {
	if words == "" {
		return object
	}
	comma := ","
	if len(object) == len("{}") {
		comma = ""
	}
	quoted, _ := jsontext.AppendQuote(nil, words) // the error only reports invalid UTF-8, which has been replaced
	return fmt.Appendf(object[:len(object)-1], `%s"%s":%s}`, comma, notice.Name, quoted)
}

// encode replaces invalid UTF-8. A result that appends itself takes 2 µs; another takes 8, and cannot end markup around it.
func encode[Out any](out *Out) (json.RawMessage, error) {
	if quick, ok := any(out).(interface{ AppendJSON([]byte) []byte }); ok {
		return quick.AppendJSON(make([]byte, 0, 1024)), nil
	}
	return jsonv2.Marshal(out, jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true), jsonv2.Deterministic(true))
}

// failed is the result of an error. One that is no *Failure is a fault of this server.
func (t *tool[In, Out]) failed(ctx context.Context, call *Call, err error) *mcp.CallToolResult {
	if question, ok := errors.AsType[*inputRequired](err); ok {
		return t.asked(call, question.Question)
	}
	failure, ok := errors.AsType[*Failure](err)
	switch {
	case ok:
	case errors.Is(err, ErrCannotAsk), errors.Is(err, ErrNoAnswer):
		failure = &Failure{Outcome{Code: CodeTryLater, Sent: cmp.Or(call.Outcome.Sent, SentNo)}, "A person has to be asked first, and gave no answer.", "Tell the user."}
	case t.Effect != Texts && ctx.Err() != nil:
		failure = &Failure{Outcome{Code: CodeTryLater}, "The call was cancelled, or there was no answer in time.", NextLater}
	default:
		t.tools.log().ErrorContext(ctx, "a tool failed on an error it does not know", "tool", t.Name, "type", fmt.Sprintf("%T", err))
		failure = &Failure{Outcome{}, "This server met an error it does not know.", t.Effect.afterFault()}
	}
	call.Outcome = failure.Outcome
	call.Outcome.Code = cmp.Or(call.Outcome.Code, CodeInternal)
	if call.Outcome.Sent = cmp.Or(call.Outcome.Sent, SentUnknown); t.Effect != Texts {
		call.Outcome.Sent = ""
	}
	result := t.result(call, []string{(&Failure{call.Outcome, failure.Happened, failure.Next}).Error()})
	result.IsError = true
	return result
}

// asked is the result that has the client ask its user and call again.
func (t *tool[In, Out]) asked(call *Call, q Question) *mcp.CallToolResult {
	call.Outcome = Outcome{Code: CodeInputRequired}
	if t.Effect == Texts {
		call.Outcome.Sent = SentNo
	}
	asking := server.NewInputRequestBuilder(q.State).Elicit(q.ID, q.Params).ToolResult()
	asking.Meta = t.result(call, nil).Meta
	return asking
}

// panicked answers for a function that was left in the middle. The value of a panic could quote an argument, so that
// only its type and the stack are logged.
func (t *tool[In, Out]) panicked(ctx context.Context, call *Call, p any, reached bool) *mcp.CallToolResult {
	t.tools.log().ErrorContext(ctx, "panic in a tool", "tool", t.Name, "type", fmt.Sprintf("%T", p), slog.String("stack", string(debug.Stack())))
	failure := &Failure{Outcome{Code: CodeInternal, Sent: SentNo}, "This server failed on a fault of its own; its log says more.", t.Effect.afterFault()}
	if reached {
		failure.Outcome.Sent = SentUnknown
	}
	call.notes = nil
	return t.failed(ctx, call, failure)
}

// result has the texts, what the tool noted, and the outcome.
func (t *tool[In, Out]) result(call *Call, texts []string) *mcp.CallToolResult {
	if t.tools.Fake && t.Effect != ReadsLocal {
		call.Outcome.Backend = "fake"
		call.Note(fakeNote)
	}
	texts = append(texts, call.notes...)
	result := &mcp.CallToolResult{Content: make([]mcp.Content, len(texts))}
	result.Meta = &mcp.Meta{AdditionalFields: map[string]any{MetaOutcome: call.Outcome.encode()}}
	for i, text := range texts {
		result.Content[i] = mcp.NewTextContent(text)
	}
	return result
}

const fakeNote = "This server runs on its built-in fake of Twilio Proxy: no real person was texted."

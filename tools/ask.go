package tools

import (
	"context"
	"errors"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// A Question is for the person at the client.
type Question struct {
	ID     string                // names the question among those of one call
	Params mcp.ElicitationParams // the words, and a form or a URL
	State  string                // comes back with the answer as Call.State, on revision 2026-07-28
}

// ErrCannotAsk: the client did not declare elicitation in the question's mode, or this connection has no way to ask.
var ErrCannotAsk = errors.New("nobody can be asked over this connection")

// ErrNoAnswer: a person was or could have been asked, and there is no answer: the client refused the question, its answer
// could not be read, or the call was cancelled or took too long.
var ErrNoAnswer = errors.New("the question to a person has no answer")

// inputRequired leaves Run, so that the client asks its user and calls again.
type inputRequired struct{ Question }

func (*inputRequired) Error() string { return "a person is asked first" }

// CanAsk reports whether Ask can put a question in this mode, mcp.ElicitationModeForm or mcp.ElicitationModeURL.
func (c *Call) CanAsk(mode string) bool {
	switch {
	case c.Elicitation == nil:
		return false
	case mode == mcp.ElicitationModeURL:
		return c.Elicitation.URL != nil
	default: // an empty capability means forms (MCP, "Elicitation", "Capabilities")
		return c.Elicitation.Form != nil || c.Elicitation.URL == nil
	}
}

// Ask puts a question to the person at the client and returns the answer: accept, decline or cancel. A call may ask one
// question, because on revision 2026-07-28 a client only answers the last one. Run may handle ErrCannotAsk and ErrNoAnswer,
// and must return every other error of Ask. Waiting for the answer ends with ctx.
func (c *Call) Ask(ctx context.Context, q Question) (*mcp.ElicitationResult, error) {
	if c.question != "" && c.question != q.ID {
		return nil, errors.New("tools: a call may ask one question")
	}
	c.question = q.ID
	if !c.CanAsk(q.Params.Mode) {
		return nil, ErrCannotAsk
	}
	if !server.IsModernRequest(ctx) {
		// elicitation, which CanAsk goes by, has seen that the session can ask.
		session := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation)
		answer, err := session.RequestElicitation(ctx, mcp.ElicitationRequest{Params: q.Params})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
		return usable(answer.ElicitationResponse)
	}
	response, answered := c.answers[q.ID]
	if !answered {
		return nil, &inputRequired{q}
	}
	raw, err := response.MarshalJSON()
	var answer mcp.ElicitationResponse
	if err == nil { // strictly: a "no" beside a "yes" under the same name, or in another case, is neither
		err = jsonv2.Unmarshal(raw, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrNoAnswer)
	}
	return usable(answer)
}

func usable(answer mcp.ElicitationResponse) (*mcp.ElicitationResult, error) {
	switch answer.Action {
	case mcp.ElicitationResponseActionAccept, mcp.ElicitationResponseActionDecline, mcp.ElicitationResponseActionCancel:
		return &mcp.ElicitationResult{ElicitationResponse: answer}, nil
	}
	return nil, fmt.Errorf("%w: it is not accept, decline or cancel", ErrNoAnswer)
}

// elicitation is what the client declared, or nil where the connection has no way to ask. On revision 2026-07-28 the
// request itself declares it. What an earlier request declared does not count.
func elicitation(ctx context.Context) *mcp.ElicitationCapability {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities == nil {
			return nil
		}
		return info.ClientCapabilities.Elicitation
	}
	session := server.ClientSessionFromContext(ctx)
	_, canAsk := session.(server.SessionWithElicitation)
	if client, tells := session.(interface{ GetClientCapabilities() mcp.ClientCapabilities }); canAsk && tells {
		return client.GetClientCapabilities().Elicitation
	}
	return nil
}

package tools

import (
	"context"
	"errors"

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

// errBadAnswer: the client's answer is not accept, decline or cancel.
var errBadAnswer = errors.New("the client's answer to a question could not be read")

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

// Ask puts a question to the person at the client and returns the answer: accept, decline or cancel. Run must return
// every error of Ask, except ErrCannotAsk, which it may handle. Waiting for the answer ends with ctx.
func (c *Call) Ask(ctx context.Context, q Question) (*mcp.ElicitationResult, error) {
	if !c.CanAsk(q.Params.Mode) {
		return nil, ErrCannotAsk
	}
	if !server.IsModernRequest(ctx) {
		return c.askNow(ctx, q)
	}
	if _, answered := c.answers[q.ID]; !answered {
		return nil, &inputRequired{q}
	}
	return usable(server.ElicitationResponse(c.answers, q.ID))
}

// askNow sends elicitation/create and waits, as the revisions before 2026-07-28 have it.
func (c *Call) askNow(ctx context.Context, q Question) (*mcp.ElicitationResult, error) {
	session := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation) // as elicitation has seen
	answer, err := session.RequestElicitation(ctx, mcp.ElicitationRequest{Params: q.Params})
	if err != nil {
		return nil, err
	}
	return usable(answer)
}

func usable(answer *mcp.ElicitationResult) (*mcp.ElicitationResult, error) {
	if answer != nil {
		switch answer.Action {
		case mcp.ElicitationResponseActionAccept, mcp.ElicitationResponseActionDecline, mcp.ElicitationResponseActionCancel:
			return answer, nil
		}
	}
	return nil, errBadAnswer
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

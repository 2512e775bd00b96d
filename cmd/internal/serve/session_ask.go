package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

// errClientGone ends requests of ours to a client that can no longer answer.
var errClientGone = errors.New("the client is gone and cannot answer")

// deliver hands a response to the request of ours that waits for it; false when none does.
func (c *session) deliver(m *message) bool {
	var id int64
	if json.Unmarshal(m.ID, &id) != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting, ok := c.pending[id]
	if ok {
		delete(c.pending, id)
		waiting <- m // has room for the one response it gets
	}
	return ok
}

// ask sends a request to the client and decodes its result.
func (c *session) ask(ctx context.Context, method mcp.MCPMethod, params, result any) error {
	response := make(chan *message, 1)
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	if c.pending == nil {
		c.pending = map[int64]chan *message{}
	}
	c.pending[id] = response
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pending, id)
	}()
	encoded, err := json.Marshal(struct {
		JSONRPC string        `json:"jsonrpc"`
		ID      int64         `json:"id"`
		Method  mcp.MCPMethod `json:"method"`
		Params  any           `json:"params,omitempty"`
	}{mcp.JSONRPC_VERSION, id, method, params})
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	if err := c.send(encoded); err != nil {
		return fmt.Errorf("send %s: %w", method, err)
	}
	select {
	case m := <-response:
		return m.resultInto(method, result)
	case <-c.gone:
		return fmt.Errorf("%s: %w", method, errClientGone)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *message) resultInto(method mcp.MCPMethod, result any) error {
	if m.Error != nil {
		var details struct{ Message string }
		_ = json.Unmarshal(m.Error, &details)
		return fmt.Errorf("the client refused %s: %s", method, details.Message)
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("decode the client's answer to %s: %w", method, err)
	}
	return nil
}

// RequestElicitation asks the user something through a client of a revision before 2026-07-28.
func (c *session) RequestElicitation(ctx context.Context, request mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	result := new(mcp.ElicitationResult)
	if err := c.ask(ctx, mcp.MethodElicitationCreate, request.Params, result); err != nil {
		return nil, err
	}
	return result, nil
}

// RequestSampling asks the client's model something.
func (c *session) RequestSampling(ctx context.Context, request mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	result := new(mcp.CreateMessageResult)
	if err := c.ask(ctx, mcp.MethodSamplingCreateMessage, request.CreateMessageParams, result); err != nil {
		return nil, err
	}
	content, err := mcp.ParseSamplingContent(result.Content)
	if err != nil {
		return nil, fmt.Errorf("decode the client's answer to %s: %w", mcp.MethodSamplingCreateMessage, err)
	}
	result.Content = content
	return result, nil
}

// ListRoots asks the client for its roots.
func (c *session) ListRoots(ctx context.Context, _ mcp.ListRootsRequest) (*mcp.ListRootsResult, error) {
	result := new(mcp.ListRootsResult)
	if err := c.ask(ctx, mcp.MethodListRoots, nil, result); err != nil {
		return nil, err
	}
	return result, nil
}

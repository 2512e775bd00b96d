package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// errClientGone ends requests of ours to a client that can no longer answer.
var errClientGone = errors.New("the client is gone and cannot answer")

// session is one client over stdio or SSE: what it said of itself, its calls in flight, and our requests to it.
// It is mcp-go's ClientSession in the extensions that mcp-go's own stdio session has.
type session struct {
	id            string
	send          func(message []byte) error // one whole message; may be called by many goroutines at once
	notifications chan mcp.JSONRPCNotification
	gone          chan struct{} // closed when the client can no longer answer

	mu           sync.Mutex
	initialized  bool
	level        mcp.LoggingLevel
	client       mcp.Implementation
	capabilities mcp.ClientCapabilities
	version      string
	running      map[string]context.CancelFunc // calls in flight, by the bytes of their id
	lastID       int64
	pending      map[int64]chan *message // our requests, by their id
}

var (
	_ server.SessionWithLogging         = (*session)(nil)
	_ server.SessionWithClientInfo      = (*session)(nil)
	_ server.SessionWithProtocolVersion = (*session)(nil)
	_ server.SessionWithSampling        = (*session)(nil)
	_ server.SessionWithElicitation     = (*session)(nil)
	_ server.SessionWithRoots           = (*session)(nil)
)

// newSession has room for that many notifications; mcp-go drops what does not fit.
func newSession(id string, send func([]byte) error, notifications int) *session {
	return &session{
		id: id, send: send,
		notifications: make(chan mcp.JSONRPCNotification, notifications),
		gone:          make(chan struct{}),
		level:         mcp.LoggingLevelError,
	}
}

func (c *session) SessionID() string                                   { return c.id }
func (c *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return c.notifications }

func (c *session) Initialize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.initialized, c.level = true, mcp.LoggingLevelError
}

func (c *session) Initialized() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.initialized
}

func (c *session) SetLogLevel(level mcp.LoggingLevel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level = level
}

func (c *session) GetLogLevel() mcp.LoggingLevel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level
}

func (c *session) SetClientInfo(info mcp.Implementation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client = info
}

func (c *session) GetClientInfo() mcp.Implementation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client
}

func (c *session) SetClientCapabilities(capabilities mcp.ClientCapabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capabilities = capabilities
}

func (c *session) GetClientCapabilities() mcp.ClientCapabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.capabilities
}

// SetProtocolVersion is called by mcp-go when it has negotiated one.
func (c *session) SetProtocolVersion(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = version
}

func (c *session) ProtocolVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// observe notes what a request of revision 2026-07-28 says of its client, as mcp-go does for those it serves.
// There is no session over Streamable HTTP.
func (c *session) observe(info *server.RequestProtocolInfo) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.initialized = true
	c.capabilities = *info.ClientCapabilities
	if info.ClientInfo != nil {
		c.client = *info.ClientInfo
	}
}

// begin gives a request a context of its own that notifications/cancelled ends. It is called by the goroutine
// that reads, so that a cancellation right behind its request finds it. The function returned must be called at
// the end.
func (c *session) begin(ctx context.Context, m *message) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	if !plainID(m.ID) {
		return ctx, cancel
	}
	key := string(m.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.running[key]; taken { // the client breaks the protocol: the first one keeps the id
		return ctx, cancel
	}
	if c.running == nil {
		c.running = map[string]context.CancelFunc{}
	}
	c.running[key] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, key)
	}
}

// cancel ends the context of the request that a notifications/cancelled names, if it is in flight.
func (c *session) cancel(m *message) {
	if m.Method != mcp.MethodNotificationCancelled {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.running[string(m.Params.RequestID)]; cancel != nil {
		cancel()
	}
}

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

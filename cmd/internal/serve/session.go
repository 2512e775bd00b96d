package serve

import (
	"context"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// session is one client over stdio or SSE: what it said of itself, its calls in flight, and our requests to it.
// It is mcp-go's ClientSession in the extensions that mcp-go's own stdio session has.
type session struct {
	*notices
	id   string
	send func(message []byte) error // one whole message; may be called by many goroutines at once
	gone chan struct{}              // closed when the client can no longer answer

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
		notices: newNotices(notifications),
		id:      id,
		send:    send,
		gone:    make(chan struct{}),
		level:   mcp.LoggingLevelError,
	}
}

func (c *session) SessionID() string { return c.id }

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

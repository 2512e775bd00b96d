package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// session is one client over stdio or SSE: what it declared, its calls in flight, and our questions to it. A POST to /mcp
// has one of its own, which never declared anything and so cannot be asked. It is mcp-go's ClientSession.
type session struct {
	*notifications
	id   string
	send func(message []byte) error // one whole message; nil where nobody can be asked
	gone chan struct{}              // closed when the client can no longer answer

	initialized atomic.Bool
	level       atomic.Value // a mcp.LoggingLevel

	mu           sync.Mutex
	capabilities mcp.ClientCapabilities
	running      map[string]context.CancelFunc // calls in flight, by the bytes of their id
	asked        int                           // questions so far
	questions    map[string]chan *message      // by the bytes of their id
}

var (
	_ server.SessionWithLogging     = (*session)(nil)
	_ server.SessionWithElicitation = (*session)(nil)
)

// newSession is that of a client which is asked and told through send.
func (s *Server) newSession(id string, send func([]byte) error) *session {
	c := &session{id: id, send: send, gone: make(chan struct{})}
	c.running, c.questions = map[string]context.CancelFunc{}, map[string]chan *message{}
	c.notifications = newNotifications(func(n mcp.JSONRPCNotification) {
		if encoded := s.encodeNotification(n); encoded != nil {
			_ = send(encoded) // dropped when the client does not read
		}
	})
	c.level.Store(mcp.LoggingLevelError)
	return c
}

func (c *session) SessionID() string { return c.id }

func (c *session) Initialize()       { c.initialized.Store(true) }
func (c *session) Initialized() bool { return c.initialized.Load() }

func (c *session) SetLogLevel(level mcp.LoggingLevel) { c.level.Store(level) }
func (c *session) GetLogLevel() mcp.LoggingLevel      { return c.level.Load().(mcp.LoggingLevel) }

// declare notes the capabilities of an initialize that was answered. They count for the requests of the revisions that have
// a handshake. A request of revision 2026-07-28 declares its own, which mcp-go would set here for all that follow.
func (c *session) declare(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capabilities = *cmp.Or(readCapabilities(m.Params.Capabilities), &mcp.ClientCapabilities{})
}

func (c *session) GetClientCapabilities() mcp.ClientCapabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.capabilities
}

// begin gives a request a context of its own that notifications/cancelled ends. The goroutine that reads calls it, so
// that a cancellation right behind its request finds it. end must be called at the end.
func (c *session) begin(ctx context.Context, m *message) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	key := string(m.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.running[key]; taken { // the client breaks the protocol: the first request keeps the id
		return ctx, cancel
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

// errClientGone ends questions to a client that can no longer answer.
var errClientGone = errors.New("the client is gone and cannot answer")

// RequestElicitation asks the client's user something, on a revision before 2026-07-28, and waits for the answer.
func (c *session) RequestElicitation(ctx context.Context, request mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	if c.send == nil {
		return nil, server.ErrElicitationNotSupported
	}
	response := make(chan *message, 1)
	c.mu.Lock()
	c.asked++
	id := fmt.Sprintf(`"question-%d"`, c.asked) // no number, which the client's own calls have
	c.questions[id] = response
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.questions, id)
	}()
	err := c.send(mustEncode(map[string]any{
		"jsonrpc": mcp.JSONRPC_VERSION, "id": json.RawMessage(id), "method": mcp.MethodElicitationCreate, "params": request.Params,
	}))
	if err != nil {
		return nil, fmt.Errorf("ask the client: %w", err)
	}
	select {
	case m := <-response:
		return m.elicitation()
	case <-c.gone:
		return nil, errClientGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// deliver takes a response; false for every other message. The question that waits for it also hears of one that could not
// be read. One that nobody waits for is dropped: mcp-go answers it when it is an error, with an id that the client may be
// using for a request of its own.
func (c *session) deliver(m *message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.questions[string(m.ID)]
	if waiting == nil || m.Method != "" {
		return m.isResponse()
	}
	delete(c.questions, string(m.ID))
	waiting <- m // has room for the one response it gets
	return true
}

// elicitation reads an answer strictly: a name in another case is not the protocol's, and a "no" beside a "yes" is neither.
func (m *message) elicitation() (*mcp.ElicitationResult, error) {
	if m.Error != nil {
		var details struct{ Message string }
		_ = json.Unmarshal(m.Error, &details)
		return nil, fmt.Errorf("the client refused %s: %s", mcp.MethodElicitationCreate, details.Message)
	}
	result := new(mcp.ElicitationResult)
	if guard.Heavy(m.Result) || jsonv2.Unmarshal(m.Result, &result.ElicitationResponse) != nil {
		return nil, fmt.Errorf("the client's answer to %s cannot be read", mcp.MethodElicitationCreate)
	}
	return result, nil
}

package serve

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// postSession is the session of one POST to /mcp. What the client is told while the request runs, and then the answer, go
// into the response: one JSON document, or an event stream as soon as there is a notification.
type postSession struct {
	*session
	to     http.ResponseWriter
	encode func(mcp.JSONRPCNotification) []byte
	of     *message
	events bool                   // the response is an event stream
	filter mcp.SubscriptionFilter // session.mu is held
}

var _ server.SessionWithSubscriptionFilter = (*postSession)(nil)

// newPostSession tells its client everything that is logged: without sessions nobody can set a level.
func (e *endpoints) newPostSession(w http.ResponseWriter, m *message) *postSession {
	p := &postSession{session: &session{}, to: w, encode: e.server.encodeNotification, of: m}
	p.notifications = newNotifications(p.tell)
	p.initialized.Store(true)
	p.level.Store(mcp.LoggingLevelDebug)
	if m.Method == mcp.MethodSubscriptionsListen {
		p.id = rand.Text()
	}
	return p
}

// SetSubscriptionFilter is mcp-go's: what a subscriptions/listen asked for.
func (p *postSession) SetSubscriptionFilter(filter mcp.SubscriptionFilter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filter = filter
}

// SubscriptionFilter is mcp-go's.
func (p *postSession) SubscriptionFilter() (filter mcp.SubscriptionFilter, active bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filter, p.of.Method == mcp.MethodSubscriptionsListen
}

// tell writes one notification as an event.
func (p *postSession) tell(n mcp.JSONRPCNotification) {
	if p.of.Method == mcp.MethodSubscriptionsListen { // each is tagged with the id of the subscription
		meta := map[string]any{}
		maps.Copy(meta, n.Params.Meta)
		meta[mcp.MetaKeySubscriptionID] = p.of.ID
		n.Params.Meta = meta
	}
	encoded := p.encode(n)
	if encoded == nil {
		return
	}
	if !p.events {
		p.events = true
		p.to.Header().Set("Content-Type", typeEventStream)
		p.to.Header().Set("Cache-Control", "no-cache")
	}
	p.writeEvent(encoded)
}

func (p *postSession) writeEvent(message []byte) {
	control := http.NewResponseController(p.to)
	event := slices.Concat([]byte(eventStart), message, []byte(eventEnd))
	_ = writeEvents(responseStream{p.to, control}, event) // the client is gone when it fails
	_ = control.SetWriteDeadline(time.Time{})             // which would end a quiet stream over HTTP/2
}

// answer writes what is left to be told, and then the answer. Nil is accepted without one.
func (p *postSession) answer(status int, message []byte) {
	<-p.end()
	switch {
	case message == nil && !p.events:
		p.to.WriteHeader(http.StatusAccepted)
	case p.events && message != nil:
		p.writeEvent(message)
	case message != nil:
		writeJSON(p.to, status, message)
	}
}

const typeEventStream = "text/event-stream"

// writeJSON writes a whole response of one JSON message.
func writeJSON(w http.ResponseWriter, status int, message []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(message)))
	w.WriteHeader(status)
	_, _ = w.Write(message) // the client is gone when it fails
}

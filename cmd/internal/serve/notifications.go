package serve

import (
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// notifications are on their way to one client. mcp-go puts them into a channel and does not say when they are written.
// Without settle, a call's answer could overtake what its handler told the client before. Few clients are told anything,
// so that the channel and its goroutine are made when mcp-go asks for them.
type notifications struct {
	write func(mcp.JSONRPCNotification)
	stop  chan struct{} // closed when nothing more may be put in
	ended chan struct{} // closed when nothing takes from queue any more

	mu    sync.Mutex
	queue chan mcp.JSONRPCNotification // nil until somebody notifies
	over  bool
}

func newNotifications(write func(mcp.JSONRPCNotification)) *notifications {
	return &notifications{write: write, stop: make(chan struct{}), ended: make(chan struct{})}
}

// NotificationChannel is mcp-go's, which drops what does not fit.
func (n *notifications) NotificationChannel() chan<- mcp.JSONRPCNotification {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.over:
		return make(chan mcp.JSONRPCNotification) // nobody listens any more: mcp-go drops it
	case n.queue == nil:
		n.queue = make(chan mcp.JSONRPCNotification, 100)
		go n.run()
	}
	return n.queue
}

// markField is the field of a notification that is only a mark in the queue: a channel to close when it is reached.
const markField = "mark"

// settle returns when everything that was put in before has been written, or when nothing will be written any more.
func (n *notifications) settle() {
	n.mu.Lock()
	queue := n.queue
	n.mu.Unlock()
	if queue == nil {
		return
	}
	mark := make(chan struct{})
	var marked mcp.JSONRPCNotification
	marked.Params.AdditionalFields = map[string]any{markField: mark}
	select {
	case queue <- marked:
		select {
		case <-mark:
		case <-n.ended:
		}
	case <-n.ended:
	}
}

// end takes nothing more. The channel is closed when what was put in before has been written.
func (n *notifications) end() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.over {
		n.over = true
		close(n.stop)
		if n.queue == nil {
			close(n.ended)
		}
	}
	return n.ended
}

// run writes what is put in until stop is closed, and then what is left.
func (n *notifications) run() {
	defer close(n.ended)
	take := func(next mcp.JSONRPCNotification) {
		if mark, is := next.Params.AdditionalFields[markField].(chan struct{}); is {
			close(mark)
			return
		}
		n.write(next)
	}
	for {
		select {
		case next := <-n.queue:
			take(next)
		case <-n.stop:
			for len(n.queue) > 0 {
				take(<-n.queue)
			}
			return
		}
	}
}

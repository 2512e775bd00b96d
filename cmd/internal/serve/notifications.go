package serve

import (
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// notifications are on their way to one client. mcp-go puts them into a channel and does not say when they are written.
// Without settle, a call's answer could overtake what its handler told the client before.
type notifications struct {
	queue chan mcp.JSONRPCNotification
	used  atomic.Bool
	ended chan struct{} // closed when nothing takes from queue any more
}

// newNotifications has room for that many; mcp-go drops what does not fit.
func newNotifications(room int) *notifications {
	return &notifications{queue: make(chan mcp.JSONRPCNotification, room), ended: make(chan struct{})}
}

// NotificationChannel is mcp-go's.
func (n *notifications) NotificationChannel() chan<- mcp.JSONRPCNotification {
	n.used.Store(true)
	return n.queue
}

// markField is the field of a notification that is only a mark in the queue: a channel to close when it is reached.
const markField = "mark"

// reached closes the channel of a mark; false for a notification.
func reached(n mcp.JSONRPCNotification) bool {
	mark, is := n.Params.AdditionalFields[markField].(chan struct{})
	if is {
		close(mark)
	}
	return is
}

// settle returns when everything that was put in before has been written, or when nothing will be written any more.
func (n *notifications) settle() {
	if !n.used.Load() {
		return
	}
	mark := make(chan struct{})
	var marked mcp.JSONRPCNotification
	marked.Params.AdditionalFields = map[string]any{markField: mark}
	select {
	case n.queue <- marked:
	case <-n.ended:
		return
	}
	select {
	case <-mark:
	case <-n.ended:
	}
}

// run writes what is put in until stop is closed, and then what is left.
func (n *notifications) run(stop <-chan struct{}, write func(mcp.JSONRPCNotification)) {
	defer close(n.ended)
	take := func(next mcp.JSONRPCNotification) {
		if !reached(next) {
			write(next)
		}
	}
	for {
		select {
		case next := <-n.queue:
			take(next)
		case <-stop:
			for len(n.queue) > 0 {
				take(<-n.queue)
			}
			return
		}
	}
}

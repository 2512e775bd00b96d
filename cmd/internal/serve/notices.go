package serve

import (
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// notices are notifications on their way to one client. mcp-go puts them into a channel and does not say when they
// are written, so that without settle a call's answer may overtake what its handler told the client before.
type notices struct {
	queue chan mcp.JSONRPCNotification
	used  atomic.Bool
	ended chan struct{} // closed when nothing takes from queue any more
}

// newNotices has room for that many; mcp-go drops what does not fit.
func newNotices(room int) *notices {
	return &notices{queue: make(chan mcp.JSONRPCNotification, room), ended: make(chan struct{})}
}

func (n *notices) NotificationChannel() chan<- mcp.JSONRPCNotification {
	n.used.Store(true)
	return n.queue
}

// markField is the field of a notification that is only a mark in the queue: what to do when it is reached.
const markField = "mark"

func mark(reached func()) (n mcp.JSONRPCNotification) {
	n.Params.AdditionalFields = map[string]any{markField: reached}
	return n
}

// isMark does what a mark is for.
func isMark(n mcp.JSONRPCNotification) bool {
	reached, is := n.Params.AdditionalFields[markField].(func())
	if is {
		reached()
	}
	return is
}

// settle returns when everything that was put in before has been written, or nothing will be any more.
func (n *notices) settle() {
	if !n.used.Load() {
		return
	}
	reached := make(chan struct{})
	select {
	case n.queue <- mark(func() { close(reached) }):
	case <-n.ended:
		return
	}
	select {
	case <-reached:
	case <-n.ended:
	}
}

// then does what comes after everything that was put in before. It waits for nobody: when the queue is full, because the
// client does not read, it is done at once.
func (n *notices) then(do func()) {
	if n.used.Load() {
		select {
		case n.queue <- mark(do):
			return
		default:
		}
	}
	do()
}

// run writes what is put in, until stop is closed, and then what is left.
func (n *notices) run(stop <-chan struct{}, write func(mcp.JSONRPCNotification)) {
	defer close(n.ended)
	take := func(next mcp.JSONRPCNotification) {
		if !isMark(next) {
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

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

// reachedField is the field of a notification that is only a mark in the queue: a channel to be closed.
const reachedField = "reached"

// settle returns when everything that was put in before has been written, or nothing will be any more.
func (n *notices) settle() {
	if !n.used.Load() {
		return
	}
	reached := make(chan struct{})
	var mark mcp.JSONRPCNotification
	mark.Params.AdditionalFields = map[string]any{reachedField: reached}
	select {
	case n.queue <- mark:
	case <-n.ended:
		return
	}
	select {
	case <-reached:
	case <-n.ended:
	}
}

// isMark sees to what settle has put in.
func isMark(n mcp.JSONRPCNotification) bool {
	reached, is := n.Params.AdditionalFields[reachedField].(chan struct{})
	if is {
		close(reached)
	}
	return is
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

package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// An Event tells whoever watches the feed what changed. It names what to read
// again rather than carrying it, except where Data says more. Refused tells of
// any call that was answered an error or not at all.
type Event struct {
	Type    string `json:"type"` // hello, service, session, message, status, refused, faults, clock, settings or reset
	Service string `json:"service_sid,omitempty"`
	Session string `json:"session_sid,omitempty"`
	Message string `json:"message_sid,omitempty"`
	Status  string `json:"status,omitempty"`     // of a status event: the new one
	Code    int    `json:"error_code,omitempty"` // of a status event
	Data    any    `json:"data,omitempty"`
}

// A feed sends events to its subscribers. One that falls 256 events behind is
// cut off; it comes back and reads the state anew.
type feed struct {
	subscribers map[chan []byte]bool
}

// publish runs with the lock held and never waits.
func (fd *feed) publish(e Event) {
	if len(fd.subscribers) == 0 {
		return
	}
	data, err := json.Marshal(e)
	if err != nil {
		return
	}
	for ch := range fd.subscribers {
		select {
		case ch <- data:
		default:
			delete(fd.subscribers, ch)
			close(ch)
		}
	}
}

func (f *Fake) subscribe() chan []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan []byte, 256)
	if f.feed.subscribers == nil {
		f.feed.subscribers = map[chan []byte]bool{}
	}
	f.feed.subscribers[ch] = true
	return ch
}

func (f *Fake) unsubscribe(ch chan []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.feed.subscribers, ch)
}

// serveEvents streams events as server-sent events until the client leaves.
func (f *Fake) serveEvents(w http.ResponseWriter, r *http.Request) {
	ch := f.subscribe()
	defer f.unsubscribe(ch)
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // not every writer has one
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	_, err := fmt.Fprint(w, "retry: 1000\ndata: {\"type\":\"hello\"}\n\n")
	for err == nil && control.Flush() == nil {
		select {
		case data, open := <-ch:
			if !open {
				return
			}
			_, err = fmt.Fprintf(w, "data: %s\n\n", data)
		case <-beat.C:
			_, err = fmt.Fprint(w, ": still here\n\n")
		case <-r.Context().Done():
			return
		case <-f.closed:
			return
		}
	}
}

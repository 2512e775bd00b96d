package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// An Event tells the readers of the feed what changed. It names what to read
// again. Only some events contain the change itself, in Status, Code or Data. A
// refused event means that a call got an error or no answer.
type Event struct {
	Type    string `json:"type"` // hello, service, session, message, status, refused, faults, clock, settings or reset
	Service string `json:"service_sid,omitempty"`
	Session string `json:"session_sid,omitempty"`
	Message string `json:"message_sid,omitempty"`
	Status  string `json:"status,omitempty"`     // the new status, in a status event
	Code    int    `json:"error_code,omitempty"` // in a status event
	Data    any    `json:"data,omitempty"`
}

// A feed sends events to its subscribers. A subscriber that falls 256 events
// behind is cut off. It can connect again and read the whole state.
type feed struct {
	subscribers map[chan []byte]bool
}

// publish never waits. The caller holds the lock.
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
	_ = control.SetWriteDeadline(time.Time{}) // some writers have no deadline; their error does not matter
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

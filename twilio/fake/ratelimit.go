package fake

import (
	"net/http"
	"time"
)

// The documented limit: 30 requests a second per endpoint and service over a
// sliding window of five seconds, so up to 150 of them at once.
const (
	limitSpan  = 5 * time.Second
	limitCount = 30 * 5
)

type rateLimits struct {
	on      bool
	windows map[string]*rateWindow
}

// A rateWindow remembers when the last calls were allowed, in a ring.
type rateWindow struct {
	times [limitCount]time.Time
	next  int
}

// allow counts a call unless it is one too many.
func (l *rateLimits) allow(operation, service string, now time.Time) bool {
	if !l.on {
		return true
	}
	key := operation + " " + service
	w := l.windows[key]
	if w == nil {
		w = &rateWindow{}
		if l.windows == nil {
			l.windows = map[string]*rateWindow{}
		}
		l.windows[key] = w
	}
	if oldest := w.times[w.next]; !oldest.IsZero() && now.Sub(oldest) < limitSpan {
		return false
	}
	w.times[w.next] = now
	w.next = (w.next + 1) % limitCount
	return true
}

// tooMany refuses a call beyond the limit, with Twilio's code for it, or with
// Proxy's own where the call is to no service. Chosen.
func tooMany(service string) *refusal {
	code := 20429
	if service == "" {
		code = 80621
	}
	return refuse(http.StatusTooManyRequests, code, "Too Many Requests")
}

// forget lets everyone begin anew.
func (l *rateLimits) forget() { l.windows = nil }

// SetRateLimit switches the limit on or off.
func (f *Fake) SetRateLimit(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits = rateLimits{on: on}
}

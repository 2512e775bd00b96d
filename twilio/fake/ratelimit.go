package fake

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// The documented limit is 30 requests a second per endpoint and service, over a
// sliding window of five seconds. So 150 requests may come at once.
const (
	limitSpan  = 5 * time.Second
	limitCount = 30 * 5
)

type rateLimits struct {
	on      bool
	windows map[string]*rateWindow
}

// A rateWindow keeps the times of the last allowed calls in a ring buffer.
type rateWindow struct {
	times [limitCount]time.Time
	next  int
}

// allow reports whether a call is within the limit, and counts it if so.
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

// tooMany refuses a call beyond the limit. The code is Twilio's general one, or
// Proxy's own if the call belongs to no service.
func tooMany(service string) *refusal {
	code := 20429
	if service == "" {
		code = 80621
	}
	return refuse(http.StatusTooManyRequests, code, "Too Many Requests")
}

// forget restarts the limit for all.
func (l *rateLimits) forget() { l.windows = nil }

// forgetService drops what is counted for a service that is gone.
func (l *rateLimits) forgetService(sid string) {
	maps.DeleteFunc(l.windows, func(key string, _ *rateWindow) bool { return strings.HasSuffix(key, " "+sid) })
}

// SetRateLimit switches the limit on or off.
func (f *Fake) SetRateLimit(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits = rateLimits{on: on}
}

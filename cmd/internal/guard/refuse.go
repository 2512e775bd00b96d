package guard

import (
	"log/slog"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// refuse answers a request that a guard does not let through, counts it and logs it.
func (g *Guards) refuse(w http.ResponseWriter, r *http.Request, guard string, status int, text string) {
	if g.Refused != nil {
		g.Refused(guard)
	}
	if g.Log != nil {
		g.Log.write(r.Pattern, guard, status)
	}
	http.Error(w, text, status)
}

// RefuseBusy answers a request of which nothing was begun, counts it under the guard's name and logs it.
func (g *Guards) RefuseBusy(w http.ResponseWriter, r *http.Request, guard, why string) {
	w.Header().Set("Retry-After", "1")
	g.refuse(w, r, guard, http.StatusServiceUnavailable, why+"; nothing was done, try again")
}

// RefusalLog logs refused requests at the level info: which guard refused it, with which status, on which route (a
// pattern of http.ServeMux). A line has nothing that the client sent, because that can be a secret. Up to ten refusals at
// once have a line each. Beyond that there is one line a second, which says how many went without one since the last.
type RefusalLog struct {
	Log *slog.Logger

	mu      sync.Mutex
	limit   *rate.Limiter
	skipped int
}

func (l *RefusalLog) write(route, guard string, status int) {
	l.mu.Lock()
	if l.limit == nil {
		l.limit = rate.NewLimiter(1, 10)
	}
	if !l.limit.Allow() {
		l.skipped++
		l.mu.Unlock()
		return
	}
	skipped := l.skipped
	l.skipped = 0
	l.mu.Unlock()
	attrs := []any{"guard", guard, "status", status}
	if route != "" {
		attrs = append(attrs, "route", route)
	}
	l.Log.Info("a request was refused", append(attrs, "not_logged", skipped)...)
}

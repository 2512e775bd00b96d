package fake

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// maxDocument is the largest body that the control interface reads, in bytes.
const maxDocument = 64 << 20

// controlRoutes returns the control interface. The package comment documents it.
func (f *Fake) controlRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_fake/faults", func(w http.ResponseWriter, _ *http.Request) { f.showFaults(w) })
	mux.HandleFunc("PUT /_fake/faults", func(w http.ResponseWriter, r *http.Request) { f.readFaults(w, r, f.SetFaults) })
	mux.HandleFunc("POST /_fake/faults", func(w http.ResponseWriter, r *http.Request) { f.readFaults(w, r, f.Arm) })
	mux.HandleFunc("DELETE /_fake/faults", func(w http.ResponseWriter, _ *http.Request) {
		_ = f.SetFaults() // cannot fail without a fault
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_fake/reset", func(w http.ResponseWriter, _ *http.Request) {
		done(w, f.Reset())
	})
	mux.HandleFunc("POST /_fake/seed", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err == nil {
			err = f.Seed(data)
		}
		done(w, err)
	})
	mux.HandleFunc("GET /_fake/requests", f.showRequests)
	mux.HandleFunc("GET /_fake/requests/{number}", f.showRequest)
	mux.HandleFunc("GET /_fake/accepted", func(w http.ResponseWriter, _ *http.Request) {
		show(w, map[string]int{"accepted": f.Accepted()})
	})
	mux.HandleFunc("GET /_fake/clock", func(w http.ResponseWriter, _ *http.Request) { f.showClock(w) })
	mux.HandleFunc("PUT /_fake/clock", f.setClock)
	mux.HandleFunc("GET /_fake/settings", func(w http.ResponseWriter, _ *http.Request) { f.showSettings(w) })
	mux.HandleFunc("PUT /_fake/settings", f.setSettings)
	mux.HandleFunc("GET /_fake/events", f.serveEvents)
	f.pageRoutes(mux)
	noRoute := func(w http.ResponseWriter, r *http.Request) { showNoRoute(w, r, mux) }
	mux.HandleFunc("/_fake", noRoute)
	mux.HandleFunc(anyRoute, noRoute)
	return mux
}

const anyRoute = "/_fake/"

// showNoRoute answers a request that fits no route: with 405 if the path has other
// methods, else with 404.
func showNoRoute(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, route := mux.Handler(other); route != "" && route != anyRoute && route != "/_fake" {
			w.Header().Add("Allow", method)
		}
	}
	if allowed := w.Header().Values("Allow"); len(allowed) > 0 {
		showError(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes %s", r.URL.Path, strings.Join(allowed, ", ")))
		return
	}
	showError(w, http.StatusNotFound, errors.New("the control interface has nothing at this path"))
}

// serveControl admits only loopback addresses, even if the fake listens on others.
// It refuses the fake's own callbacks: a client of the API could have set a
// service's URL to the control interface.
func (f *Fake) serveControl(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().IsLoopback() {
		showError(w, http.StatusForbidden, errors.New("the control interface answers loopback addresses only"))
		return
	}
	if r.Header.Get("X-Twilio-Signature") != "" {
		showError(w, http.StatusForbidden, errors.New("callbacks must not call the control interface"))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxDocument)
	w.Header().Set("Cache-Control", "no-store")
	f.control.ServeHTTP(w, r)
}

func (f *Fake) showFaults(w http.ResponseWriter) {
	faults := f.Faults()
	if faults == nil {
		faults = []Fault{}
	}
	show(w, map[string][]Fault{"faults": faults})
}

// readFaults reads {"faults": […]} or a single fault.
func (f *Fake) readFaults(w http.ResponseWriter, r *http.Request, arm func(...Fault) error) {
	var body struct {
		Faults *[]Fault `json:"faults"`
		Fault
	}
	if err := readJSON(r.Body, &body); err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	single := !reflect.DeepEqual(body.Fault, Fault{})
	if single == (body.Faults != nil) {
		showError(w, http.StatusBadRequest, errors.New(`give either {"faults": […]} or one fault with its "effect"`))
		return
	}
	faults := []Fault{body.Fault}
	if !single {
		faults = *body.Faults
	}
	if err := arm(faults...); err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	f.showFaults(w)
}

func (f *Fake) showClock(w http.ResponseWriter) {
	f.mu.Lock()
	view := f.clockView()
	f.mu.Unlock()
	show(w, view)
}

type clockChange struct {
	Now     *time.Time `json:"now"`
	Advance Duration   `json:"advance"`
	Frozen  *bool      `json:"frozen"`
}

// allowed reports whether each step of the change keeps the clock within its
// bounds.
func (c *clockChange) allowed(now time.Time) bool {
	if c.Now != nil {
		now = *c.Now
	}
	then := now.Add(time.Duration(c.Advance))
	return clampTime(now).Equal(now) && clampTime(then).Equal(then)
}

// setClock reads {"now": time}, {"advance": duration} or {"frozen": bool}.
func (f *Fake) setClock(w http.ResponseWriter, r *http.Request) {
	var body clockChange
	if err := readJSON(r.Body, &body); err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	if !body.allowed(f.Now()) {
		showError(w, http.StatusBadRequest, errClock)
		return
	}
	if body.Now != nil {
		f.SetClock(*body.Now)
	}
	if body.Frozen != nil && !*body.Frozen {
		f.RunClock()
	} else if body.Frozen != nil && body.Now == nil {
		f.SetClock(f.Now())
	}
	if body.Advance != 0 {
		f.Advance(time.Duration(body.Advance))
	}
	f.showClock(w)
}

type settings struct {
	RateLimit *bool     `json:"rate_limit"`
	QueuedFor *Duration `json:"queued_for"`
	SentFor   *Duration `json:"sent_for"`
}

func (f *Fake) showSettings(w http.ResponseWriter) {
	f.mu.Lock()
	limit, queued, sent := f.limits.on, Duration(f.config.QueuedFor), Duration(f.config.SentFor)
	f.mu.Unlock()
	show(w, settings{&limit, &queued, &sent})
}

// setSettings changes the given settings. Existing messages are not affected.
func (f *Fake) setSettings(w http.ResponseWriter, r *http.Request) {
	var body settings
	if err := readJSON(r.Body, &body); err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	if body.RateLimit != nil {
		f.SetRateLimit(*body.RateLimit)
	}
	f.mu.Lock()
	if body.QueuedFor != nil {
		f.config.QueuedFor = max(time.Duration(*body.QueuedFor), 0)
	}
	if body.SentFor != nil {
		f.config.SentFor = max(time.Duration(*body.SentFor), 0)
	}
	f.feed.publish(Event{Type: "settings"})
	f.mu.Unlock()
	f.showSettings(w)
}

package fake

import (
	"errors"
	"net/http"
	"sort"
	"strconv"
	"time"
)

// The JSON for the page. Lists are newest first. To continue a list, ?before= takes
// the seq of its last item.

type pageService struct {
	Sid        string `json:"sid"`
	UniqueName string `json:"unique_name"`
	Sessions   int    `json:"sessions"`
	Numbers    int    `json:"phone_numbers"`
}

type pageSession struct {
	Seq             uint64            `json:"seq"`
	Sid             string            `json:"sid"`
	ServiceSid      string            `json:"service_sid"`
	UniqueName      string            `json:"unique_name"`
	Status          string            `json:"status"`
	ClosedReason    string            `json:"closed_reason,omitempty"`
	Mode            string            `json:"mode"`
	Created         time.Time         `json:"date_created"`
	LastInteraction *time.Time        `json:"date_last_interaction"`
	Messages        int               `json:"messages"`
	Participants    []pageParticipant `json:"participants"`
	Last            *pageMessage      `json:"last_message"`
}

type pageParticipant struct {
	Sid             string `json:"sid"`
	Identifier      string `json:"identifier"`
	FriendlyName    string `json:"friendly_name"`
	ProxyIdentifier string `json:"proxy_identifier"`
	Deleted         bool   `json:"deleted"`
}

type pageMessage struct {
	Seq       uint64    `json:"seq"`
	Sid       string    `json:"sid"`
	Body      string    `json:"body"`
	MediaUrls []string  `json:"media_url,omitempty"`
	From      string    `json:"from_participant_sid"` // "" = sent through the API
	To        string    `json:"to_participant_sid"`   // "" = there was no partner
	Status    string    `json:"status"`
	ErrorCode int       `json:"error_code,omitempty"`
	Created   time.Time `json:"date_created"`
	Updated   time.Time `json:"date_updated"`
	Exchange  bool      `json:"exchange"` // whether its raw request is still kept
}

func (f *Fake) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_fake/state", f.showState)
	mux.HandleFunc("GET /_fake/sessions", f.showSessions)
	mux.HandleFunc("GET /_fake/sessions/{sid}", f.showSession)
	mux.HandleFunc("GET /_fake/sessions/{sid}/messages", f.showMessages)
	mux.HandleFunc("GET /_fake/messages/{sid}", f.showMessage)
	mux.HandleFunc("POST /_fake/participants/{sid}/messages", f.postAnswer)
}

func (f *Fake) showState(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	services := []pageService{}
	for _, s := range f.world.services {
		services = append(services, pageService{s.Sid, s.UniqueName, len(s.Sessions), len(s.Numbers)})
	}
	operations := []string{}
	for _, op := range f.operations {
		operations = append(operations, op.id)
	}
	state := map[string]any{
		"account_sid": f.account().Username, "services": services, "accepted": f.accepted,
		"messages": len(f.world.messages), "clock": f.clockView(), "rate_limit": f.limits.on,
		"faults": append([]Fault{}, f.faults...), "operations": operations, "effects": effects(),
	}
	f.mu.Unlock()
	show(w, state)
}

func (f *Fake) showSessions(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	views := []pageSession{}
	var next uint64
	now := f.clock.now()
	for _, s := range f.world.services {
		if wanted := r.URL.Query().Get("service"); wanted != "" && wanted != s.Sid {
			continue
		}
		page, more := pageBefore(s.Sessions, r)
		for _, c := range page {
			views = append(views, f.pageSession(c, now))
		}
		if more {
			next = 1
		}
	}
	f.mu.Unlock()
	sort.Slice(views, func(i, j int) bool { return views[i].Seq > views[j].Seq })
	if limit := limitOf(r); len(views) > limit {
		views, next = views[:limit], 1
	}
	if next != 0 && len(views) > 0 {
		next = views[len(views)-1].Seq
	}
	show(w, map[string]any{"sessions": views, "next_before": next})
}

func (f *Fake) showSession(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	c := f.world.sessions[r.PathValue("sid")]
	var view pageSession
	if c != nil {
		view = f.pageSession(c, f.clock.now())
	}
	f.mu.Unlock()
	if c == nil {
		showError(w, http.StatusNotFound, errors.New("there is no such session"))
		return
	}
	show(w, view)
}

func (f *Fake) showMessages(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	c := f.world.sessions[r.PathValue("sid")]
	views := []pageMessage{}
	var next uint64
	if c != nil {
		now := f.clock.now()
		page, more := pageBefore(c.Messages, r)
		for _, m := range page {
			views = append(views, f.pageMessage(m, now))
		}
		if more {
			next = views[len(views)-1].Seq
		}
	}
	f.mu.Unlock()
	if c == nil {
		showError(w, http.StatusNotFound, errors.New("there is no such session"))
		return
	}
	show(w, map[string]any{"messages": views, "next_before": next})
}

// showMessage shows one message with the recorded request that created it.
func (f *Fake) showMessage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	m := f.world.messages[r.PathValue("sid")]
	view := map[string]any{}
	if m != nil {
		view["message"] = f.pageMessage(m, f.clock.now())
		if request := f.requests.find(m.exchange); request != nil {
			view["request"] = *request
		}
	}
	f.mu.Unlock()
	if m == nil {
		showError(w, http.StatusNotFound, errors.New("there is no such message"))
		return
	}
	show(w, view)
}

func (f *Fake) postAnswer(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Body string `json:"body"`
	}
	if err := readJSON(r.Body, &body); err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	sid, err := f.Answer(r.Context(), r.PathValue("sid"), body.Body)
	if err != nil {
		showError(w, http.StatusConflict, err)
		return
	}
	show(w, map[string]string{"sid": sid})
}

// pageBefore returns up to ?limit= items older than ?before=, newest first, and
// whether there are more.
func pageBefore[T sequenced](items []T, r *http.Request) (page []T, more bool) {
	to := len(items)
	if before, err := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64); err == nil {
		to = sort.Search(len(items), func(i int) bool { return items[i].seq() >= before })
	}
	from := max(to-limitOf(r), 0)
	for i := to - 1; i >= from; i-- {
		page = append(page, items[i])
	}
	return page, from > 0
}

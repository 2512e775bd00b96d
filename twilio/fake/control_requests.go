package fake

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// briefText is how much of each text a brief request contains, in characters.
const briefText = 600

// A briefRequest is a recorded request without headers and bodies, for clients
// that ask often.
type briefRequest struct {
	Number    uint64    `json:"number"`
	Time      time.Time `json:"time"`
	Operation string    `json:"operation,omitempty"`
	Method    string    `json:"method"`
	URL       string    `json:"url"`
	Status    int       `json:"status,omitempty"`
	Dropped   bool      `json:"dropped,omitempty"`
	Message   string    `json:"message_sid,omitempty"`
	Receipt   bool      `json:"receipt"`             // the caller got the operation's own success, complete
	Answer    string    `json:"answer,omitempty"`    // without a receipt: the beginning of the answer
	Text      string    `json:"text,omitempty"`      // without a receipt: the beginning of Body
	MediaUrls []string  `json:"media_url,omitempty"` // without a receipt: the first ten values of MediaUrl
}

// showRequests lists the recorded requests. It accepts ?after= (a number),
// ?operation=, ?session= (a SID) and ?brief=true.
func (f *Fake) showRequests(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, _ := strconv.ParseUint(query.Get("after"), 10, 64)
	operation, session := query.Get("operation"), query.Get("session")
	requests := f.Requests()
	f.mu.Lock()
	wanted := f.world.sessions[session]
	requests = slices.DeleteFunc(requests, func(one Request) bool {
		return one.Number <= after || operation != "" && one.Operation != operation || session != "" && !one.concerns(session, wanted)
	})
	f.mu.Unlock()
	if query.Get("brief") != "true" {
		show(w, map[string]any{"requests": requests})
		return
	}
	brief := make([]briefRequest, len(requests))
	for i := range requests {
		brief[i] = requests[i].brief()
	}
	show(w, map[string]any{"requests": brief})
}

// concerns reports whether the request's path names a session, by its SID or its
// unique name. s is nil if there is no such session.
func (r *Request) concerns(sid string, s *session) bool {
	if r.session == sid {
		return true
	}
	return s != nil && s.UniqueName != "" && r.session == s.UniqueName && (r.service == s.service.Sid || r.service == s.service.UniqueName)
}

func (r *Request) brief() briefRequest {
	b := briefRequest{Number: r.Number, Time: r.Time, Operation: r.Operation, Method: r.Method, URL: r.URL, Status: r.Status,
		Dropped: r.Dropped, Message: r.Message, Receipt: r.receipt}
	if r.receipt {
		return b
	}
	body := r.Body
	if cut := strings.LastIndexByte(body, '%'); len(body) == keepBody && cut >= len(body)-2 {
		body = body[:cut] // remove an escape that was cut in half
	}
	form, _ := url.ParseQuery(strings.ReplaceAll(body, ";", "%3B"))
	b.Text, b.Answer = beginning(form.Get("Body")), beginning(r.Answer)
	for _, media := range form["MediaUrl"][:min(len(form["MediaUrl"]), 10)] {
		b.MediaUrls = append(b.MediaUrls, beginning(media))
	}
	return b
}

// beginning returns the first characters of a text, and "…" if there are more.
func beginning(s string) string {
	count := 0
	for i := range s {
		if count++; count > briefText {
			return s[:i] + "…"
		}
	}
	return s
}

// showRequest shows one recorded request with its headers and bodies.
func (f *Fake) showRequest(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.ParseUint(r.PathValue("number"), 10, 64)
	var found Request
	f.mu.Lock()
	one := f.requests.find(number)
	if one != nil {
		found = *one
	}
	f.mu.Unlock()
	if one == nil {
		showError(w, http.StatusNotFound, errors.New("there is no such request, or it is no longer kept"))
		return
	}
	show(w, map[string]Request{"request": found})
}

package fake

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// respond answers a call as the fault says, or normally if there is no fault.
func (f *Fake) respond(w http.ResponseWriter, r *http.Request, c *call, fault *Fault) {
	if fault == nil {
		f.reply(w, c, f.perform(c))
		return
	}
	if fault.Effect == EffectHTML && fault.Status >= 300 {
		w.Header().Del("Twilio-Request-Id") // such a page comes from something in between, which Twilio never sees
	}
	if fault.Effect == EffectPortal {
		clear(w.Header())
	}
	for name, value := range fault.Header {
		w.Header().Set(name, value)
	}
	switch fault.Effect {
	case EffectStatus:
		f.reply(w, c, fault.answer())
	case EffectErrorAfter:
		f.perform(c)
		f.reply(w, c, fault.answer())
	case EffectDelay:
		a := f.perform(c)
		f.wait(r, time.Duration(fault.Delay))
		if r.Context().Err() != nil { // the client left
			f.drop(w, c)
			return
		}
		f.reply(w, c, a)
	case EffectHTML:
		if fault.Status < 300 {
			f.perform(c)
		}
		f.replyHTML(w, c, fault.Status, http.StatusText(fault.Status))
	case EffectPortal:
		f.replyHTML(w, c, fault.Status, "Log in to this network")
	case EffectSwap:
		f.reply(w, c, swapped(f.perform(c)))
	case EffectTruncate:
		f.replyHalf(w, c, f.perform(c))
	case EffectDropAfter:
		f.perform(c)
		f.drop(w, c)
	case EffectHangAfter:
		f.perform(c)
		f.hang(r)
		f.drop(w, c)
	case EffectHang:
		f.hang(r)
		f.drop(w, c)
	case EffectDropBefore:
		f.drop(w, c)
	}
}

func (fault *Fault) answer() answer {
	message := fault.Message
	if message == "" {
		message = http.StatusText(fault.Status)
	}
	return answer{status: fault.Status, body: encode(refuse(fault.Status, fault.Code, "%s", message))}
}

// wait returns after d, or earlier if the client leaves or the fake closes.
func (f *Fake) wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-f.closed:
	}
}

// hang returns when the client leaves or the fake closes.
func (f *Fake) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-f.closed:
	}
}

// drop records that a call gets no answer, and closes its connection.
func (f *Fake) drop(w http.ResponseWriter, c *call) {
	f.mu.Lock()
	if r := f.requests.find(c.number); r != nil {
		r.Dropped = true
	}
	f.feed.publish(Event{Type: "refused"})
	f.mu.Unlock()
	closeConnection(w)
}

// closeConnection closes the connection without an answer. Some writers have no
// connection to give (HTTP/2, a recorder). For them it uses net/http's own way to
// abort.
func closeConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}

func (f *Fake) replyHTML(w http.ResponseWriter, c *call, status int, title string) {
	page := fmt.Sprintf("<html><head><title>%d %s</title></head><body><h1>%[2]s</h1></body></html>\n", status, title)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	f.mu.Lock()
	f.requests.answered(c.number, w.Header(), answer{status: status, body: []byte(page)})
	f.mu.Unlock()
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page))
}

// replyHalf announces the length of the whole body, writes half of it and closes
// the connection.
func (f *Fake) replyHalf(w http.ResponseWriter, c *call, a answer) {
	half := answer{status: a.status, body: a.body[:len(a.body)/2]}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	f.reply(w, c, half)
	_ = http.NewResponseController(w).Flush()
	closeConnection(w)
}

// swapped makes the answer to an accepted call one about others.
func swapped(a answer) answer {
	var body any
	if !a.receipt || json.Unmarshal(a.body, &body) != nil {
		return a
	}
	return answer{status: a.status, body: encode(ofOthers("", body))}
}

var anySid = regexp.MustCompile(`[A-Z]{2}[0-9a-f]{32}`)

// ofOthers changes a JSON value, so that every SID in it is another and so is the
// text of every message. The same SID always becomes the same other one.
func ofOthers(name string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			value[name] = ofOthers(name, inner)
		}
	case []any:
		for i, inner := range value {
			value[i] = ofOthers("", inner)
		}
	case string:
		if name == "data" {
			return `{"body":"another text"}`
		}
		const digits, others = "0123456789abcdef", "fedcba9876543210"
		return anySid.ReplaceAllStringFunc(value, func(sid string) string {
			return sid[:2] + strings.Map(func(digit rune) rune { return rune(others[strings.IndexRune(digits, digit)]) }, sid[2:])
		})
	}
	return value
}

// MarshalJSON writes what time.Duration.String returns.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads "250ms" or a number of seconds.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var seconds float64
	if json.Unmarshal(data, &seconds) == nil {
		if math.Abs(seconds) >= math.MaxInt64/float64(time.Second) {
			return fmt.Errorf("a duration of %g seconds is too long: the longest is 292 years", seconds)
		}
		*d = Duration(seconds * float64(time.Second))
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration must be a text such as \"250ms\" or a number of seconds")
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

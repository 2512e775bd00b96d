package fake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxBody is the largest request body in bytes. A longer one is refused with 413.
const maxBody = 1 << 20

// A call is one request to the API, as an operation sees it.
type call struct {
	op     *operation
	path   map[string]string
	query  url.Values
	form   *params
	base   string // scheme and host of the URLs in the answer
	number uint64 // of the recorded request
	now    time.Time

	maxPageSize int // most records on a page of a list
}

// An answer is the response to a call, before a fault changes it.
type answer struct {
	status  int
	body    []byte // nil = none
	receipt bool   // it is the operation's own success
}

// serveAPI answers one request of the Proxy API. It records, routes and
// authenticates the request and applies the rate limit. Then it performs the
// operation, with a fault if one is armed.
func (f *Fake) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c, err := f.readCall(r, body)
	if err == nil && readErr != nil {
		err = refuse(http.StatusRequestEntityTooLarge, 0, "The request body could not be read or is longer than %d bytes", maxBody)
	}
	f.setHeader(w, c)
	if err != nil {
		f.reply(w, c, refusalAnswer(err))
		return
	}
	f.respond(w, r, c, f.takeFault(c.op.id))
}

// readCall records a request and makes a call of it.
func (f *Fake) readCall(r *http.Request, body []byte) (*call, error) {
	op, path, err := f.route(r)
	c := &call{op: op, path: path, query: r.URL.Query(), base: baseURL(r), maxPageSize: f.config.MaxPageSize}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.now = f.clock.now()
	recorded := Request{Time: c.now, Method: r.Method, URL: r.URL.RequestURI(), Header: redacted(r.Header), Body: string(body)}
	if op != nil {
		recorded.Operation, recorded.service, recorded.session = op.id, path["ServiceSid"], path["SessionSid"]
	}
	c.number = f.requests.add(recorded)
	if refused := f.authenticate(r); refused != nil {
		return c, refused
	}
	if err != nil {
		return c, err
	}
	if service := f.serviceOf(path); !f.limits.allow(op.id, service, c.now) {
		return c, tooMany(service)
	}
	c.form, err = readForm(r, body)
	return c, err
}

// perform carries out a call and returns the answer.
func (f *Fake) perform(c *call) answer {
	result, err := f.do(c)
	if err != nil {
		return refusalAnswer(err)
	}
	if result == nil {
		return answer{status: c.op.status, receipt: true}
	}
	return answer{status: c.op.status, body: encode(result), receipt: true}
}

func (f *Fake) do(c *call) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.now = f.clock.now()
	if err := f.checkRoom(c.op); err != nil {
		return nil, err
	}
	return c.op.do(f, c)
}

// setHeader sets the header fields that every answer has.
func (f *Fake) setHeader(w http.ResponseWriter, c *call) {
	h := w.Header()
	h.Set("Date", c.now.UTC().Format(http.TimeFormat)) // by the fake's clock, like the dates of resources
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "X-Custom-Header1, X-Custom-Header2")
	f.mu.Lock()
	defer f.mu.Unlock()
	h.Set("Twilio-Request-Id", f.world.mint("RQ", c.number))
}

// reply writes an answer unchanged.
func (f *Fake) reply(w http.ResponseWriter, c *call, a answer) {
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	if a.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	f.mu.Lock()
	f.requests.answered(c.number, w.Header(), a)
	if a.status >= 400 && c.op != nil {
		f.feed.publish(Event{Type: "refused"})
	}
	f.mu.Unlock()
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func refusalAnswer(err error) answer {
	r, ok := err.(*refusal)
	if !ok {
		r = refuse(http.StatusInternalServerError, 0, "An error occurred")
	}
	return answer{status: r.Status, body: encode(r)}
}

// encode writes compact JSON and does not escape <, > and &.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte(`{"message":"An error occurred","status":500}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// baseURL is the address at which the client reached the fake. The URLs in an
// answer lead back to it.
func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

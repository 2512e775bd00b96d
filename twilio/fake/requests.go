package fake

import (
	"net/http"
	"slices"
	"time"
)

// keepBody is how many bytes of one body are recorded.
const keepBody = 64 << 10

// A Request is a recorded request with its answer. Credentials are removed;
// bodies are cut at 64 KiB.
type Request struct {
	Number    uint64      `json:"number"`              // starts at 1, and again after a reset
	Time      time.Time   `json:"time"`                // by the fake's clock
	Operation string      `json:"operation,omitempty"` // "" = not an operation of the API
	Method    string      `json:"method"`
	URL       string      `json:"url"` // path and query as received
	Header    http.Header `json:"header"`
	Body      string      `json:"body"`
	Status    int         `json:"status,omitempty"`      // 0 = not answered (yet)
	Answer    string      `json:"answer,omitempty"`      // the part of the response body that was written
	Dropped   bool        `json:"dropped,omitempty"`     // the connection was closed without an answer
	Message   string      `json:"message_sid,omitempty"` // the message that the request created, whatever the answer

	// AnswerHeader is the response's header. It lacks what net/http adds while writing, such as Content-Length.
	AnswerHeader http.Header `json:"answer_header,omitempty"`

	service, session string // as named in the path
	receipt          bool   // the caller got the operation's own success, complete
}

// A recorder keeps the last requests in a ring buffer.
type recorder struct {
	keep  int
	count uint64
	ring  []Request
}

func (rec *recorder) add(r Request) uint64 {
	rec.count++
	r.Number = rec.count
	r.Body = r.Body[:min(len(r.Body), keepBody)]
	if len(rec.ring) < rec.keep {
		rec.ring = append(rec.ring, r)
	} else {
		rec.ring[(rec.count-1)%uint64(rec.keep)] = r
	}
	return rec.count
}

// find returns the request with this number, or nil if it is not kept any more.
func (rec *recorder) find(number uint64) *Request {
	if number == 0 || number > rec.count || rec.count-number >= uint64(rec.keep) {
		return nil
	}
	return &rec.ring[(number-1)%uint64(rec.keep)]
}

func (rec *recorder) answered(number uint64, header http.Header, a answer) {
	if r := rec.find(number); r != nil {
		r.Status, r.AnswerHeader, r.receipt = a.status, header.Clone(), a.receipt
		r.Answer = string(a.body[:min(len(a.body), keepBody)])
	}
}

func (rec *recorder) forget() { rec.count, rec.ring = 0, nil }

// Requests returns the recorded requests of the API, oldest first. Only the last
// Config.KeepRequests are kept.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.requests.ring) < f.requests.keep {
		return slices.Clone(f.requests.ring)
	}
	oldest := f.requests.count % uint64(f.requests.keep)
	return slices.Concat(f.requests.ring[oldest:], f.requests.ring[:oldest])
}

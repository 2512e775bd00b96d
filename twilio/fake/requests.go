package fake

import (
	"net/http"
	"slices"
	"time"
)

// keepBody bounds what is recorded of one body, in bytes.
const keepBody = 64 << 10

// A Request is a recorded request with its answer. Credentials are removed;
// bodies are cut at 64 KiB.
type Request struct {
	Number    uint64      `json:"number"`              // counts from 1 since the start or the last reset
	Time      time.Time   `json:"time"`                // by the fake's clock
	Operation string      `json:"operation,omitempty"` // "" = no operation of the API
	Method    string      `json:"method"`
	URL       string      `json:"url"` // path and query as they came
	Header    http.Header `json:"header"`
	Body      string      `json:"body"`
	Status    int         `json:"status,omitempty"`      // 0 = not answered (yet)
	Answer    string      `json:"answer,omitempty"`      // the response body as far as it was written
	Dropped   bool        `json:"dropped,omitempty"`     // the connection was closed without an answer
	Message   string      `json:"message_sid,omitempty"` // the message that it made, whatever the answer

	// AnswerHeader is the response's, without what net/http adds when it writes it (Content-Length as a rule).
	AnswerHeader http.Header `json:"answer_header,omitempty"`

	service, session string // as its path names them
	receipt          bool   // the operation's own success went out whole
}

// A recorder keeps the last requests in a ring.
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

// find returns the request with a number; nil = no longer kept.
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

// Requests returns the recorded requests of the API, oldest first. They are
// the last Config.KeepRequests at most.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.requests.ring) < f.requests.keep {
		return slices.Clone(f.requests.ring)
	}
	oldest := f.requests.count % uint64(f.requests.keep)
	return slices.Concat(f.requests.ring[oldest:], f.requests.ring[:oldest])
}

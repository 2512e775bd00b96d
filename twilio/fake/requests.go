package fake

import (
	"net/http"
	"strings"
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

// A recorder keeps the last requests in a ring buffer, within two bounds.
type recorder struct {
	keep      int
	keepBytes int
	count     uint64 // all that were added
	first     uint64 // the oldest that is kept
	bytes     int    // what those take, by size
	ring      []Request
}

func (rec *recorder) add(r Request) uint64 {
	rec.count++
	r.Number = rec.count
	r.Body = strings.Clone(r.Body[:min(len(r.Body), keepBody)]) // the rest is let go of
	if len(rec.ring) < rec.keep {
		rec.ring = append(rec.ring, r)
	} else {
		if rec.count-rec.first >= uint64(rec.keep) {
			rec.drop()
		}
		rec.ring[(rec.count-1)%uint64(rec.keep)] = r
	}
	rec.first = max(rec.first, 1)
	rec.bytes += r.size()
	rec.shrink()
	return rec.count
}

// shrink drops the oldest until the rest is within the bound of bytes. The newest
// stays.
func (rec *recorder) shrink() {
	for rec.bytes > rec.keepBytes && rec.first < rec.count {
		rec.drop()
	}
}

func (rec *recorder) drop() {
	oldest := &rec.ring[(rec.first-1)%uint64(rec.keep)]
	rec.bytes -= oldest.size()
	*oldest = Request{}
	rec.first++
}

// size is about what a request and its answer take, in bytes.
func (r *Request) size() int {
	size := requestBytes + len(r.URL) + len(r.Body) + len(r.Answer)
	for _, header := range []http.Header{r.Header, r.AnswerHeader} {
		for name, values := range header {
			for _, value := range values {
				size += len(name) + len(value) + 64
			}
		}
	}
	return size
}

// find returns the request with this number, or nil if it is not kept any more.
func (rec *recorder) find(number uint64) *Request {
	if number == 0 || number < rec.first || number > rec.count {
		return nil
	}
	return &rec.ring[(number-1)%uint64(rec.keep)]
}

func (rec *recorder) answered(number uint64, header http.Header, a answer) {
	if r := rec.find(number); r != nil {
		rec.bytes -= r.size()
		r.Status, r.AnswerHeader, r.receipt = a.status, header.Clone(), a.receipt
		r.Answer = string(a.body[:min(len(a.body), keepBody)])
		rec.bytes += r.size()
		rec.shrink()
	}
}

func (rec *recorder) forget() { rec.count, rec.first, rec.bytes, rec.ring = 0, 0, 0, nil }

// Requests returns the recorded requests of the API, oldest first. Only the last
// are kept, by Config.KeepRequests and Config.KeepBytes.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kept []Request
	for number := f.requests.first; number > 0 && number <= f.requests.count; number++ {
		kept = append(kept, *f.requests.find(number))
	}
	return kept
}

package twilio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"twilio-proxy-mcp/schema"
)

// The lengths, in characters, to which text from outside is cut; chosen.
const (
	maxText = 300
	maxLink = 200
)

// Error is an answer of Twilio that is no 2xx. Unless an *OutcomeUnknownError
// wraps it, Twilio refused the request, or for status 429 never processed it,
// and nothing was sent.
//
// Its texts come from outside and are to be quoted, not obeyed. They are one
// line, cut short, and hide:
//   - the password, and username and password joined by a colon, in plain, as
//     in URLs, JSON, HTML and Go's quotes, or in base64; and the word after
//     "Basic" or "Bearer";
//   - the request's body and media URLs, each as a whole, in the same forms;
//   - runs of seven or more digits, with or without what separates them in
//     phone numbers (spaces, dashes, dots, slashes, parentheses, plus signs),
//     except in SIDs, timestamps and IPv4 addresses with a port.
//
// ASCII letters may be in either case and white space of any length. Nothing
// is promised of values below four bytes, of a part or a rewording of a value,
// and of encodings other than these or one upon another.
type Error struct {
	Status     int           // the HTTP status
	Code       int           // Twilio's error code; 0 when it gave none
	Message    string        // "" when there was none to read
	MoreInfo   string        // a page of Twilio about Code, without a query, or ""
	RequestID  string        // the header Twilio-Request-Id where it is RQ and 32 hex digits, else ""
	RetryAfter time.Duration // the header Retry-After; 0 when there was none
}

// Error says in one sentence what Twilio answered and, where that is certain,
// that nothing was sent.
func (e *Error) Error() string {
	what := "HTTP " + strconv.Itoa(e.Status)
	if e.Code != 0 {
		what += ", code " + strconv.Itoa(e.Code)
	}
	if e.Message != "" {
		what += fmt.Sprintf(": %q", e.Message)
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return "Twilio gets too many requests (" + what + "); this one was not processed and nothing was sent"
	case e.Status == http.StatusRequestTimeout || e.Status < 300 || e.Status > 499:
		return "Twilio answered " + what
	case e.Status < 400:
		return "Twilio's address answered with a redirect, which is never followed (" + what + "); nothing was sent"
	default:
		return "Twilio refused the request (" + what + "); nothing was sent"
	}
}

// NotSentError is a request that never got a connection: nothing reached
// Twilio, and it is safe to send again.
type NotSentError struct{ Err error }

func (e *NotSentError) Error() string { return "nothing was sent: " + e.Err.Error() }

// Unwrap returns the cause: the context's, the before hook's, or the network's.
func (e *NotSentError) Unwrap() error { return e.Err }

// OutcomeUnknownError is a request that was attempted and of which nobody can
// know whether Twilio acted on it. It must not be sent again blindly.
type OutcomeUnknownError struct {
	Err       error     // an *Error for a 408, a 5xx and odd statuses, else why no answer came
	RequestID string    // the header Twilio-Request-Id, or ""
	Date      time.Time // the answer's Date header; zero when no answer came or it had none
}

func (e *OutcomeUnknownError) Error() string {
	return "the request was attempted, and whether anything was sent is unknown: " + e.Err.Error()
}

// Unwrap returns Err.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// networkError has the text of err fit to be shown. net/http quotes what a
// server answered, and a server may answer with what it was told.
type networkError struct {
	text string
	err  error
}

func (e *networkError) Error() string { return e.text }
func (e *networkError) Unwrap() error { return e.err }

// parseError makes an *Error of any answer. It takes what it can from the
// body: of JSON that breaks off, the fields before that; of HTML nothing.
func parseError(ans *answer, private []string) *Error {
	e := &Error{Status: ans.status, RequestID: ans.requestID, RetryAfter: ans.retry}
	eachField(ans.body, func(name string, value any) {
		switch text, _ := value.(string); name {
		case "code":
			if code, err := strconv.Atoi(fmt.Sprint(value)); err == nil && code > 0 {
				e.Code = code // a number, or one in quotes
			}
		case "message":
			e.Message = clean(text, private, maxText)
		case "more_info":
			e.MoreInfo = twilioLink(text, private)
		}
	})
	return e
}

// eachField visits the fields of a JSON object until the bytes make no sense.
func eachField(object []byte, visit func(name string, value any)) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return
		}
		var value any
		if d.Decode(&value) != nil {
			return
		}
		visit(name.(string), value)
	}
}

// twilioLink returns link without query and fragment if it leads to Twilio's
// pages and has nothing in it that clean would change, else "".
func twilioLink(link string, private []string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.User != nil {
		return ""
	}
	if host := u.Hostname(); host != "twilio.com" && !strings.HasSuffix(host, ".twilio.com") {
		return ""
	}
	link = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	if len(link) > maxLink || clean(link, private, maxLink) != link {
		return ""
	}
	return link
}

// isRequestID: a request's name is RQ and 32 hex digits.
func isRequestID(s string) bool {
	if !strings.HasPrefix(s, "RQ") {
		return false
	}
	_, err := schema.ParseSid[schema.AnyPrefix](s)
	return err == nil
}

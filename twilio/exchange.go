package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"
)

// maxReserve is the longest part of a call's time that is kept for the answer.
// Without it, a retry could start so late that its answer comes after the
// deadline. The outcome would then be unknown instead of "not sent".
const maxReserve = 5 * time.Second

var (
	errNoTimeLeft = errors.New("no connection was made in time")
	errUnasked    = errors.New("the server answered before it was asked")
)

// apiCall is one call of the API, which takes one or more attempts.
type apiCall struct {
	operation string                                     // the API's name of it, for Observe
	path      string                                     // with the query, below the base URL
	form      string                                     // the encoded form of a POST; "" for a GET
	limit     int64                                      // how many bytes of the answer's body are read
	before    func(ctx context.Context, tries int) error // called before each attempt; may be nil
	message   []string                                   // the text and URLs that it carries, which no error may repeat
}

// answer is Twilio's answer, whatever its status.
type answer struct {
	status     int
	date       time.Time // zero without a readable Date header
	requestID  string
	retryAfter time.Duration
	body       []byte
	bodyErr    error // why body is incomplete
	retries    int

	twilioHeader bool // see hasTwilioHeader
	contentType  string
}

// do does all HTTP of this package. It makes attempts until there is an outcome
// or no time for another attempt. It returns the answer for an API's 2xx, and otherwise
// one of the three errors of the package comment.
func (c *Client) do(ctx context.Context, call apiCall) (*answer, error) {
	if err := c.Check(); err != nil {
		return nil, &NotSentError{Err: err}
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	deadline := time.Now().Add(timeout)
	if callers, ok := ctx.Deadline(); ok && callers.Before(deadline) {
		deadline = callers // unlike a cancellation, a deadline also ends the wait for an answer
	}
	lastStart, tooLate := deadline, context.DeadlineExceeded
	if call.form != "" {
		lastStart, tooLate = deadline.Add(-min(time.Until(deadline)/4, maxReserve)), errNoTimeLeft
	}
	// waitCtx ends when the caller gives up, or when it is too late to start. For a
	// send, it matters only until an attempt has a connection.
	waitCtx, cancel := context.WithDeadlineCause(ctx, lastStart, tooLate)
	defer cancel()
	for tries := 0; ; tries++ {
		askedAt := time.Now()
		if err := mayStart(waitCtx, call.before, tries); err != nil {
			return nil, &NotSentError{Err: err}
		}
		seen, started := Exchange{Operation: call.operation, Retries: tries}, time.Now()
		a, ans, err := c.exchange(waitCtx, deadline, call, tries, askedAt)
		for a.isStale() { // each kept connection can be taken only once, so in the end a new one is made
			a, ans, err = c.exchange(waitCtx, deadline, call, tries, askedAt)
		}
		if ans != nil {
			ans.retries, seen.Status = tries, ans.status
		}
		seen.Duration = time.Since(started)
		c.observe(seen)
		outcome := c.outcome(call, ans, a.connected(), err)
		wait, again := retryWait(outcome, tries, a.mayReadAgain())
		if end, _ := waitCtx.Deadline(); !again || !time.Now().Add(wait).Before(end) {
			return ans, outcome
		}
		if err := sleep(waitCtx, wait); err != nil {
			return nil, &NotSentError{Err: err}
		}
	}
}

func mayStart(waitCtx context.Context, before func(context.Context, int) error, tries int) error {
	if waitCtx.Err() == nil && before != nil {
		if err := before(waitCtx, tries); err != nil {
			return err
		}
	}
	return context.Cause(waitCtx)
}

// exchange makes one HTTP exchange on one connection, and reads the answer to its
// end or limit.
func (c *Client) exchange(waitCtx context.Context, deadline time.Time, call apiCall, tries int, askedAt time.Time) (*attempt, *answer, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(waitCtx))
	defer cancel(nil)
	// A timer is cheaper than another context with a deadline, by 1 µs and 600 bytes.
	defer time.AfterFunc(time.Until(deadline), func() { cancel(context.DeadlineExceeded) }).Stop()
	a := &attempt{ctx: ctx, cancel: cancel, isRead: call.form == "", waitCtx: waitCtx, before: call.before, tries: tries, askedAt: askedAt, trust: &c.trust}
	defer context.AfterFunc(waitCtx, func() { a.giveUp(context.Cause(waitCtx)) })()

	resp, err := c.pool.RoundTrip(c.newRequest(httptrace.WithClientTrace(ctx, a.trace()), call))
	a.end(err)
	if err != nil {
		return a, nil, a.explain(err)
	}
	if !a.connected() { // the server said it before it was asked
		resp.Body.Close()
		return a, nil, a.explain(errUnasked)
	}
	return a, readAnswer(resp, call.limit), nil
}

func readAnswer(resp *http.Response, limit int64) *answer {
	defer resp.Body.Close()
	ans := &answer{status: resp.StatusCode, twilioHeader: hasTwilioHeader(resp.Header), contentType: resp.Header.Get("Content-Type")}
	if id := resp.Header.Get("Twilio-Request-Id"); isRequestID(id) {
		ans.requestID = id // results and the ledger repeat it, so it must have the documented shape
	}
	ans.date, _ = http.ParseTime(resp.Header.Get("Date"))
	now := ans.date // prefer the server's own clock
	if now.IsZero() {
		now = time.Now()
	}
	ans.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), now)
	ans.body, ans.bodyErr = readBody(resp, limit)
	if int64(len(ans.body)) > limit {
		ans.body, ans.bodyErr = ans.body[:limit], fmt.Errorf("the body is longer than %d bytes", limit)
	} else if ans.bodyErr != nil {
		ans.bodyErr = fmt.Errorf("the body broke off after %d bytes: %w", len(ans.body), ans.bodyErr)
	}
	return ans
}

// readBody reads at most one byte more than the limit, so that the caller can
// tell "just fits" from "too long". It reads to the end where it can, because only
// then can the connection be used again. net/http ends a body at its
// Content-Length, so reading that many bytes reads all of it.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength < 0 || resp.ContentLength > limit {
		return io.ReadAll(io.LimitReader(resp.Body, limit+1))
	}
	body := make([]byte, resp.ContentLength)
	n, err := io.ReadFull(resp.Body, body)
	return body[:n], err
}

// outcome says what an exchange means: nil for accepted, or one of the three
// errors. A status counts as refused only if nothing was done, by Twilio's
// documentation or by the meaning of the status. A 2xx counts as accepted only if
// the answer has a sign of an API.
func (c *Client) outcome(call apiCall, ans *answer, connected bool, err error) error {
	if ans != nil && ans.status >= 200 && ans.status <= 299 && ans.isFromAPI() {
		return nil
	}
	hide := private{secrets: []string{c.Username + ":" + c.Password, c.Password}, message: call.message}
	if err != nil {
		err = &networkError{text: clean(err.Error(), hide, maxText), err: err}
	}
	switch {
	case ans == nil && !connected:
		return &NotSentError{Err: err}
	case ans == nil:
		return &OutcomeUnknownError{Err: err}
	case ans.status >= 300 && ans.status <= 499 && ans.status != http.StatusRequestTimeout:
		return parseError(ans, hide)
	default:
		answered, date := parseError(ans, hide), ans.date
		if !answered.FromTwilio {
			date = time.Time{} // another machine's clock
		}
		return &OutcomeUnknownError{Err: answered, RequestID: ans.requestID, Date: date}
	}
}

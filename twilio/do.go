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

// maxReserve is the part of a call's time that is kept for the answer; chosen.
// A retry begun in the last moment would trade a sure "not sent" for an unknown
// outcome.
const maxReserve = 5 * time.Second

var errNoTimeLeft = errors.New("no connection in the time that there was")

// request is one operation as do sends it.
type request struct {
	operation string
	path      string                                     // and query, below the base URL
	form      string                                     // of a POST, encoded; "" for a GET
	limit     int64                                      // bytes of the answer's body that are read
	before    func(ctx context.Context, tries int) error // asked before each attempt; may be nil
	private   []string                                   // values that no error may repeat
}

// answer is what came back, whatever its status.
type answer struct {
	status    int
	date      time.Time // zero without a readable Date header
	requestID string
	retry     time.Duration
	body      []byte
	bodyErr   error // why body is not all of it
	retries   int
}

// do is the one function through which the package does HTTP. It attempts req
// until there is an outcome or no time for another attempt, and returns the
// answer for a 2xx, or one of the three errors of the package comment.
func (c *Client) do(ctx context.Context, req request) (*answer, error) {
	if err := c.Check(); err != nil {
		return nil, &NotSentError{Err: err}
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	deadline := time.Now().Add(timeout)
	if callers, ok := ctx.Deadline(); ok && callers.Before(deadline) {
		deadline = callers // a deadline is known from the start and bounds the wait for an answer too; only a cancellation does not
	}
	lastStart := deadline
	if req.form != "" {
		lastStart = deadline.Add(-min(time.Until(deadline)/4, maxReserve))
	}
	// waiting ends when the caller gives up or it is too late to begin. It
	// governs everything up to the moment in which an attempt has a connection.
	waiting, cancel := context.WithDeadlineCause(ctx, lastStart, errNoTimeLeft)
	defer cancel()
	for tries := 0; ; tries++ {
		asked := time.Now()
		if err := mayBegin(waiting, req.before, tries); err != nil {
			return nil, &NotSentError{Err: err}
		}
		ans, attempted, err := c.exchange(waiting, deadline, req, tries, asked)
		outcome := c.outcome(req, ans, attempted, err)
		wait, again := retryWait(outcome, tries)
		if end, _ := waiting.Deadline(); !again || !time.Now().Add(wait).Before(end) {
			return ans, outcome
		}
		if err := sleep(waiting, wait); err != nil {
			return nil, &NotSentError{Err: err}
		}
	}
}

func mayBegin(waiting context.Context, before func(context.Context, int) error, tries int) error {
	if waiting.Err() == nil && before != nil {
		if err := before(waiting, tries); err != nil {
			return err
		}
	}
	return context.Cause(waiting)
}

// exchange makes one attempt. attempted tells whether it got a connection, from
// when on Twilio may have heard of it. An answer is read to its end or limit.
func (c *Client) exchange(waiting context.Context, deadline time.Time, req request, retries int, asked time.Time) (ans *answer, attempted bool, err error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(waiting))
	defer cancel(nil)
	// A context of its own for the deadline would cost 1 µs and 600 bytes.
	defer time.AfterFunc(time.Until(deadline), func() { cancel(context.DeadlineExceeded) }).Stop()
	h := &handover{ctx: ctx, cancel: cancel, read: req.form == "", waiting: waiting, before: req.before, tries: retries, asked: asked}
	defer context.AfterFunc(waiting, func() { h.giveUp(context.Cause(waiting)) })()

	r := c.newRequest(httptrace.WithClientTrace(ctx, h.trace()), req)
	started := time.Now()
	seen := Exchange{Operation: req.operation, Retries: retries}
	resp, err := c.pool.RoundTrip(r)
	if err == nil {
		ans = readAnswer(resp, req.limit)
		ans.retries = retries
		seen.Status = ans.status
	} else {
		err = h.explain(err)
	}
	seen.Duration = time.Since(started)
	c.observe(seen)
	return ans, h.attempted(), err
}

func readAnswer(resp *http.Response, limit int64) *answer {
	defer resp.Body.Close()
	ans := &answer{status: resp.StatusCode}
	if id := resp.Header.Get("Twilio-Request-Id"); isRequestID(id) {
		ans.requestID = id // results and the ledger repeat it, so nothing of another shape may pass
	}
	ans.date, _ = http.ParseTime(resp.Header.Get("Date"))
	now := ans.date // the server's own clock, where it shows it
	if now.IsZero() {
		now = time.Now()
	}
	ans.retry = parseRetryAfter(resp.Header.Get("Retry-After"), now)
	ans.body, ans.bodyErr = readBody(resp, limit)
	if int64(len(ans.body)) > limit {
		ans.body, ans.bodyErr = ans.body[:limit], fmt.Errorf("the body is longer than %d bytes", limit)
	} else if ans.bodyErr != nil {
		ans.bodyErr = fmt.Errorf("the body broke off after %d bytes: %w", len(ans.body), ans.bodyErr)
	}
	return ans
}

// readBody reads one byte more than the limit, which tells "just fits" from "too
// long"; reading to the end lets the connection be used again. net/http ends a
// body where its Content-Length says, so that much is all of it.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength < 0 || resp.ContentLength > limit {
		return io.ReadAll(io.LimitReader(resp.Body, limit+1))
	}
	body := make([]byte, resp.ContentLength)
	n, err := io.ReadFull(resp.Body, body)
	return body[:n], err
}

// outcome says what an exchange means: nil for accepted, or one of the three
// errors. Only a status of which it is documented or in its nature that nothing
// was done counts as refused.
func (c *Client) outcome(req request, ans *answer, attempted bool, err error) error {
	if ans != nil && ans.status >= 200 && ans.status <= 299 {
		return nil
	}
	private := append([]string{c.Username + ":" + c.Password, c.Password}, req.private...)
	if err != nil {
		err = &networkError{text: clean(err.Error(), private, maxText), err: err}
	}
	switch {
	case ans == nil && !attempted:
		return &NotSentError{Err: err}
	case ans == nil:
		return &OutcomeUnknownError{Err: err}
	case ans.status >= 300 && ans.status <= 499 && ans.status != http.StatusRequestTimeout:
		return parseError(ans, private)
	default:
		return &OutcomeUnknownError{Err: parseError(ans, private), RequestID: ans.requestID, Date: ans.date}
	}
}

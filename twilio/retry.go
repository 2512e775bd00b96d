package twilio

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The pace of retries is our choice; Twilio documents none.
const (
	firstWait     = 250 * time.Millisecond
	longestWait   = 4 * time.Second
	maxConnects   = 4              // attempts to get an open connection; they take about two seconds if each is refused at once
	maxRetryAfter = 24 * time.Hour // a longer Retry-After counts as this
)

// retryWait says how long to wait before the next attempt, and whether there may
// be one. Only two outcomes certainly have no effect at Twilio. One is that there
// was no connection. The other is 429: Twilio says that such a request was "never
// processed and is always safe to retry". Retries after a 429 end only with the
// deadline. A read has no effect in any case; see mayReadAgain.
func retryWait(outcome error, tries int, mayReadAgain bool) (time.Duration, bool) {
	switch e := outcome.(type) {
	case *NotSentError:
		return backoff(tries, 0, rand.Float64()), tries+1 < maxConnects && !isPermanent(e)
	case *Error:
		return backoff(tries, e.RetryAfter, rand.Float64()), e.Status == http.StatusTooManyRequests
	default:
		return backoff(tries, 0, rand.Float64()), mayReadAgain && tries+1 < maxConnects
	}
}

// backoff is the wait after tries+1 failed attempts. It is the time that the
// server asked for, plus a step that doubles with each attempt. Half of the step
// is multiplied by random (0 to 1), so that calls that failed together do not
// retry together.
func backoff(tries int, retryAfter time.Duration, random float64) time.Duration {
	step := min(firstWait<<min(tries, 10), longestWait)
	return retryAfter + step/2 + time.Duration(random*float64(step/2))
}

// isPermanent reports whether another attempt would fail in the same way: the
// host name does not exist, its certificate is not trusted, or the before hook
// returned an error.
func isPermanent(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var hook *hookError
	return errors.As(err, &hook) || errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate)
}

// parseRetryAfter reads a Retry-After header: whole seconds, or an HTTP date
// (RFC 9110, 10.2.3), from which it subtracts now. It returns 0 for a date in the
// past and for anything else.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if digits := strings.TrimLeft(value, "0123456789"); digits == "" {
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// sleep waits for d. If ctx ends first, it returns the cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

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

// The pace of retries. All are chosen.
const (
	firstWait     = 250 * time.Millisecond
	longestWait   = 4 * time.Second
	maxConnects   = 4              // attempts to get a connection: about two seconds when it is refused at once
	maxRetryAfter = 24 * time.Hour // longer answers count as this
)

// retryWait says how long to wait before the next attempt, and whether there
// may be one. Only two outcomes are surely without effect at Twilio: no
// connection was got, and 429, of which Twilio says "never processed and is
// always safe to retry". How often a 429 is tried again is up to the deadline.
func retryWait(outcome error, tries int) (time.Duration, bool) {
	switch e := outcome.(type) {
	case *NotSentError:
		return backoff(tries, 0, rand.Float64()), tries+1 < maxConnects && !hopeless(e)
	case *Error:
		return backoff(tries, e.RetryAfter, rand.Float64()), e.Status == http.StatusTooManyRequests
	default:
		return 0, false
	}
}

// backoff is the wait after tries+1 failed attempts: what the server asked for,
// and on top a step that doubles each time, of which half is left to chance
// (random, 0 to 1) so that calls that failed together do not come back together.
func backoff(tries int, retryAfter time.Duration, random float64) time.Duration {
	step := min(firstWait<<min(tries, 10), longestWait)
	return retryAfter + step/2 + time.Duration(random*float64(step/2))
}

// hopeless reports a failure that another attempt will not mend: a name that
// does not exist, a certificate that does not convince, a caller's no.
func hopeless(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var hook *hookError
	return errors.As(err, &hook) || errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate)
}

// parseRetryAfter reads a Retry-After header: whole seconds, or an HTTP date
// (RFC 9110, 10.2.3), which counts from now. What it cannot read, and the past,
// is 0.
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

// sleep waits, and returns early with the reason when ctx ends.
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

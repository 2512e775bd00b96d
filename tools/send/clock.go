package send

import (
	"sync"
	"time"
)

// clockGrain is by how much a time in Twilio's answers may be early: its Date
// header and its date_created are both cut to whole seconds.
const clockGrain = time.Second

// clockTransit is how long an answer is usually on its way at most; chosen. One
// that takes longer only makes what is known of the clock less exact.
const clockTransit = 500 * time.Millisecond

// clockDrift is the part of a span by which the clock of a machine may be wrong
// about it, one in so many; chosen, and more than quartz needs.
const clockDrift = 10_000

// upstreamClock is what Twilio's clock shows at least, from the answer that
// told most. A Date header is early by what was cut from it and by the answer's
// way: of several, one that was cut by little is close. The zero value knows
// nothing.
type upstreamClock struct {
	mu   sync.Mutex
	date time.Time
	read time.Time // ours, when date came
}

// set hears of a Date header. What is known already stands unless this one tells
// more, or shows that it cannot be true: then somebody set a clock.
func (c *upstreamClock) set(date time.Time) {
	if date.IsZero() {
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.showed(now); known.After(date) && known.Before(date.Add(clockGrain+clockTransit)) {
		return
	}
	c.date, c.read = date, now
}

// now is Twilio's clock at the earliest; it is zero when no answer has told.
func (c *upstreamClock) now() time.Time { return c.at(time.Now()) }

// at is what Twilio's clock showed at a moment of ours, at the earliest.
func (c *upstreamClock) at(moment time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.showed(moment)
}

func (c *upstreamClock) showed(moment time.Time) time.Time {
	if c.date.IsZero() {
		return time.Time{}
	}
	// Of the two ways to measure, the monotonic clock stands still while a
	// machine sleeps, and the wall clock can be set. Too late a time only finds
	// nothing; too early a one could take an older message for this one.
	passed := max(moment.Sub(c.read), moment.Round(0).Sub(c.read.Round(0)))
	return c.date.Add(passed - passed.Abs()/clockDrift)
}

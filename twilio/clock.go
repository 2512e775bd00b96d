package twilio

import (
	"sync"
	"time"
)

const (
	// ClockGrain is how early a time in Twilio's answers may be: its Date header and its date_created are cut to seconds.
	ClockGrain = time.Second
	// clockTransit is the longest that an answer usually travels. A longer way only makes the clock less exact.
	clockTransit = 500 * time.Millisecond
	// clockDrift is how wrong a machine's clock may be about a span, one part in so many. Quartz is better than that.
	clockDrift = 10_000
)

// A Clock is the earliest time that Twilio's clock can show. A Date header is early by what was cut from it and by
// the answer's way, so of several headers the one that lost least counts. The zero value knows nothing.
type Clock struct {
	mu   sync.Mutex
	date time.Time
	read time.Time // by our clock, when date came
}

// Set hears of a Date header. It replaces what is known only when it tells more, or when it shows that what is known
// cannot be true: then somebody set a clock.
func (c *Clock) Set(date time.Time) {
	if date.IsZero() {
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if shown := c.shown(now); shown.After(date) && shown.Before(date.Add(ClockGrain+clockTransit)) {
		return
	}
	c.date, c.read = date, now
}

// Now is the earliest time that Twilio's clock can show now. It is zero when no answer has told.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At is the earliest time that Twilio's clock can have shown at a moment of ours.
func (c *Clock) At(moment time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown(moment)
}

func (c *Clock) shown(moment time.Time) time.Time {
	if c.date.IsZero() {
		return time.Time{}
	}
	// The monotonic clock stands still while a machine sleeps, and the wall clock can be set: the one that went further
	// counts. A time that is too late only finds nothing. One that is too early could take an older message for this one.
	passed := max(moment.Sub(c.read), moment.Round(0).Sub(c.read.Round(0)))
	return c.date.Add(passed - passed.Abs()/clockDrift)
}

package fake

import (
	"errors"
	"time"
)

// A clock follows the machine's clock, with an offset, or is stopped.
type clock struct {
	base   func() time.Time
	offset time.Duration
	frozen time.Time // zero = running
}

// The clock can be set to these times and all between them. Every date that is
// calculated from them still has a year of four digits.
var (
	clockFirst = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	clockLast  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

var errClock = errors.New("the clock can only be set to times from the year 1900 to the beginning of 2200")

// clampTime returns the time nearest to t that the clock can have.
func clampTime(t time.Time) time.Time {
	if t.Before(clockFirst) {
		return clockFirst
	}
	if t.After(clockLast) {
		return clockLast
	}
	return t.UTC()
}

func (c *clock) now() time.Time {
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return c.base().Add(c.offset).UTC()
}

// set moves the clock to t. It does not start or stop it.
func (c *clock) set(t time.Time) {
	if c.frozen.IsZero() {
		c.offset = t.Sub(c.base())
	} else {
		c.frozen = t
	}
}

// A clockSetting is how the state file keeps a clock.
type clockSetting struct {
	Offset Duration  `json:"offset,omitempty"` // how far a running clock is ahead of the machine's
	Frozen time.Time `json:"frozen,omitzero"`  // the time of a stopped clock; left out = it runs
}

// setting returns nil for a clock that was never set.
func (c *clock) setting() *clockSetting {
	if c.offset == 0 && c.frozen.IsZero() {
		return nil
	}
	return &clockSetting{Duration(c.offset), c.frozen}
}

// with returns the clock with a setting applied. nil changes nothing.
func (c clock) with(s *clockSetting) clock {
	if s == nil {
		return c
	}
	c.offset, c.frozen = time.Duration(s.Offset), time.Time{}
	if !s.Frozen.IsZero() {
		c.frozen = clampTime(s.Frozen)
	} else {
		c.set(clampTime(c.now()))
	}
	return c
}

// Now returns the time of the fake's clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock.now()
}

// SetClock stops the clock at t. If t is outside the years 1900 to 2199, the clock
// stops at the nearer end of them. Everything that is due by then happens before
// SetClock returns. If the clock is set back, messages go back to earlier statuses
// and reach the later ones again.
func (f *Fake) SetClock(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.clock.now()
	f.clock.frozen = clampTime(t)
	f.clockChanged(before)
}

// Advance moves the clock by d, within the bounds of SetClock. It does not start
// or stop it. Everything that is due by then happens before Advance returns.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.clock.now()
	f.clock.set(clampTime(before.Add(d)))
	f.clockChanged(before)
}

// RunClock lets a stopped clock run on from its time.
func (f *Fake) RunClock() {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.clock.now()
	if !f.clock.frozen.IsZero() {
		f.clock.offset = f.clock.frozen.Sub(f.clock.base())
		f.clock.frozen = time.Time{}
	}
	f.clockChanged(before)
}

// clockChanged announces what is due now. If the clock was set back, it restarts
// the rate limit and schedules all messages again. The caller holds the lock.
func (f *Fake) clockChanged(before time.Time) {
	if f.clock.now().Before(before) {
		f.limits.forget()
		f.rescheduleAll()
	}
	f.changed()
	f.feed.publish(Event{Type: "clock", Data: f.clockView()})
	f.announceDue()
}

type clockView struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
}

func (f *Fake) clockView() clockView {
	return clockView{Now: f.clock.now(), Frozen: !f.clock.frozen.IsZero()}
}

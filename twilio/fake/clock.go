package fake

import (
	"errors"
	"time"
)

// A clock follows the machine's until it is set; then it stands still.
type clock struct {
	base   func() time.Time
	offset time.Duration
	frozen time.Time // zero = running
}

// The clock can be set to these times and to all between them: that far it can
// run on from everywhere, and every date that follows from it can be written.
var (
	clockFirst = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	clockLast  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

var errClock = errors.New("the clock goes from the year 1900 to the beginning of 2200")

// within is the time that the clock can have which is nearest to t.
func within(t time.Time) time.Time {
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

// set moves the clock to t, whether it runs or stands.
func (c *clock) set(t time.Time) {
	if c.frozen.IsZero() {
		c.offset = t.Sub(c.base())
	} else {
		c.frozen = t
	}
}

// A clockSetting is what the state file keeps of a clock that was set.
type clockSetting struct {
	Offset Duration  `json:"offset,omitempty"` // of a running clock to the machine's
	Frozen time.Time `json:"frozen,omitzero"`  // where it stands; left out = it runs
}

// setting is nil for a clock that was never set.
func (c *clock) setting() *clockSetting {
	if c.offset == 0 && c.frozen.IsZero() {
		return nil
	}
	return &clockSetting{Duration(c.offset), c.frozen}
}

// with is the clock as a setting has it; nil leaves it as it is.
func (c clock) with(s *clockSetting) clock {
	if s == nil {
		return c
	}
	c.offset, c.frozen = time.Duration(s.Offset), time.Time{}
	if !s.Frozen.IsZero() {
		c.frozen = within(s.Frozen)
	} else {
		c.set(within(c.now()))
	}
	return c
}

// Now is the time that the Fake takes it to be.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock.now()
}

// SetClock stops the clock at t, or at that end of the years 1900 to 2199 which
// is nearer. What is due by then happens before it returns. Set back, it makes
// the statuses of messages earlier ones, to be reached once more.
func (f *Fake) SetClock(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.clock.now()
	f.clock.frozen = within(t)
	f.clockChanged(before)
}

// Advance moves the clock by d, whether it runs or stands, within the bounds of
// SetClock. What is due by then happens before it returns.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.clock.now()
	f.clock.set(within(before.Add(d)))
	f.clockChanged(before)
}

// RunClock lets a stopped clock run on from where it stands.
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

// clockChanged does, with the lock held, what is due now. If the clock was set
// back, what counts from later times is begun anew.
func (f *Fake) clockChanged(before time.Time) {
	if f.clock.now().Before(before) {
		f.limits.forget()
		f.followAll()
	}
	f.changed()
	f.feed.publish(Event{Type: "clock", Data: f.clockView()})
	f.tick()
}

type clockView struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
}

func (f *Fake) clockView() clockView {
	return clockView{Now: f.clock.now(), Frozen: !f.clock.frozen.IsZero()}
}

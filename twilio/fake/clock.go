package fake

import "time"

// A clock follows the machine's until it is set; then it stands still.
type clock struct {
	base   func() time.Time
	offset time.Duration
	frozen time.Time // zero = running
}

func (c *clock) now() time.Time {
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return c.base().Add(c.offset).UTC()
}

// Now is the time that the Fake takes it to be.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock.now()
}

// SetClock stops the clock at t. What is due by then happens before it returns.
func (f *Fake) SetClock(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock.frozen = t.UTC()
	f.clockChanged()
}

// Advance moves the clock by d, whether it runs or stands. What is due by then
// happens before it returns.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clock.frozen.IsZero() {
		f.clock.offset += d
	} else {
		f.clock.frozen = f.clock.frozen.Add(d)
	}
	f.clockChanged()
}

// RunClock lets a stopped clock run on from where it stands.
func (f *Fake) RunClock() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.clock.frozen.IsZero() {
		f.clock.offset = f.clock.frozen.Sub(f.clock.base())
		f.clock.frozen = time.Time{}
	}
	f.clockChanged()
}

func (f *Fake) clockChanged() {
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

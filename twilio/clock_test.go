package twilio

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Twilio's clock is 300 ms ahead of ours here, and its dates are cut to the
// second. An answer whose date lost much of that tells nothing new.
func TestTheClockKeepsWhatToldMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		twilio := func() time.Time { return time.Now().Add(300 * time.Millisecond) }
		var c Clock
		require.Zero(t, c.Now())
		c.Set(time.Time{})
		require.Zero(t, c.Now())
		for _, step := range []struct {
			wait, late time.Duration // how far behind the clock is afterwards
		}{
			{0, 300 * time.Millisecond},
			{750 * time.Millisecond, 50 * time.Millisecond},
			{900 * time.Millisecond, 50 * time.Millisecond}, // this date is 950 ms behind
			{time.Hour, 50*time.Millisecond + time.Hour/clockDrift},
			{60 * time.Millisecond, 10 * time.Millisecond},
		} {
			time.Sleep(step.wait)
			c.Set(twilio().Truncate(time.Second))
			require.WithinDuration(t, twilio().Add(-step.late), c.Now(), time.Millisecond)
			require.False(t, c.Now().After(twilio()))
		}
		before := time.Now().Add(-time.Minute)
		require.WithinDuration(t, before.Add(290*time.Millisecond), c.At(before), 10*time.Millisecond)
	})
}

// An answer contradicts what is known: one of the clocks was set.
func TestTheClockBelievesAnAnswerThatContradictsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, off := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
			var c Clock
			c.Set(time.Now().Add(off))
			c.Set(time.Now())
			require.Equal(t, time.Now().UnixNano(), c.Now().UnixNano())
		}
	})
}

// While a machine sleeps one clock stands still, and the other can be set: the
// one that went further counts.
func TestTheClockGoesByTheOneThatWentFurther(t *testing.T) {
	for name, set := range map[string]func(*time.Time){
		"the wall clock":      func(read *time.Time) { *read = read.Add(-time.Hour); shiftMonotonic(read, time.Hour) },
		"the monotonic clock": func(read *time.Time) { shiftMonotonic(read, -time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			c := Clock{date: now, read: now}
			set(&c.read)
			require.WithinDuration(t, now.Add(time.Hour), c.At(now), time.Second)
		})
	}
}

// shiftMonotonic changes the monotonic reading alone, as package time never does.
func shiftMonotonic(t *time.Time, by time.Duration) {
	(*struct {
		wall uint64
		ext  int64
	})(unsafe.Pointer(t)).ext += int64(by)
}

// Package measure says what a round of calls is and what is kept of it.
package measure

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Load is one round: Calls calls, InFlight of them at any time. They are
// numbered from First on, so that no two calls of a whole run are the same
// message.
type Load struct {
	Calls, InFlight, First int
	// Spread is the time over which the first InFlight calls begin. Callers who
	// do not know of each other do not begin in one moment, and a closed loop
	// keeps for ever the step in which it began.
	Spread time.Duration
}

// Wait returns how long the given place of the InFlight waits before its first
// call.
func (l Load) Wait(place int) time.Duration {
	return l.Spread * time.Duration(place) / time.Duration(max(l.InFlight, 1))
}

// Addresses are the stub's first line.
type Addresses struct{ HTTP, HTTPS string }

// Counts are what reached the stub since it started.
type Counts struct{ Posts, Others, Connections int64 }

// A Sample is what one round took.
type Sample struct {
	Elapsed   time.Duration
	Latencies []time.Duration // of each call, sorted
}

// Rate returns calls a second.
func (s Sample) Rate() float64 { return float64(len(s.Latencies)) / s.Elapsed.Seconds() }

// Quantile returns the latency that the part q (0 to 1) of the calls stayed
// within.
func (s Sample) Quantile(q float64) time.Duration {
	if len(s.Latencies) == 0 {
		return 0
	}
	return s.Latencies[min(int(q*float64(len(s.Latencies))), len(s.Latencies)-1)]
}

// Median returns the middle of values, or zero of none.
func Median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ClosedLoop makes the calls of a load, each worker one after the other. call
// gets its worker's place and the call's number; its first error ends the round.
func ClosedLoop(load Load, call func(place, number int) error) (Sample, error) {
	var (
		next    atomic.Int64
		workers sync.WaitGroup
		mu      sync.Mutex
		first   error
		sample  = Sample{Latencies: make([]time.Duration, load.Calls)}
	)
	begun := time.Now()
	for place := range load.InFlight {
		workers.Go(func() {
			time.Sleep(load.Wait(place))
			for {
				i := int(next.Add(1)) - 1
				if i >= load.Calls {
					return
				}
				at := time.Now()
				if err := call(place, load.First+i); err != nil {
					mu.Lock()
					if first == nil {
						first = fmt.Errorf("call %d: %w", load.First+i, err)
					}
					mu.Unlock()
					next.Store(int64(load.Calls))
					return
				}
				sample.Latencies[i] = time.Since(at)
			}
		})
	}
	workers.Wait()
	sample.Elapsed = time.Since(begun)
	slices.Sort(sample.Latencies)
	return sample, first
}

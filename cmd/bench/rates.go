package main

import (
	"fmt"
	"slices"
	"time"

	"twilio-proxy-mcp/cmd/bench/measure"
)

// A cell is one load of the table.
type cell struct {
	Upstream time.Duration // how long the stub takes
	InFlight int
	calls    int // a round
}

// A row is one subject under the load of one cell: medians over the rounds, and
// medians of the ratios to the floor's run right before.
type row struct {
	cell
	Subject, Ledger               string
	Rate                          float64 // calls a second
	P50, P99                      time.Duration
	CPU                           time.Duration // of 10,000 calls; 0 where the system does not tell
	RateRatio, P50Ratio, P99Ratio float64
	CPURatio                      float64
	AddedP50                      time.Duration // to the floor's
}

// round is one subject's run and the floor's run that it is held against.
type round struct{ own, floor figures }

type figures struct {
	measure.Sample
	cpu time.Duration // of 10,000 calls
}

// rates measures every subject under every load. The floor runs before each run
// of a subject, and both are short, so that a ratio compares neighbours: what
// else the machine does, and how hot it is, falls on both.
func (b *bench) rates(floor *subject, subjects []*subject, cells []cell, rounds int, say func(string)) ([]row, error) {
	var rows []row
	for _, c := range cells {
		say(fmt.Sprintf("%v upstream, %d in flight", c.Upstream, c.InFlight))
		subjects := slices.DeleteFunc(slices.Clone(subjects), func(s *subject) bool { return s.onlyAt > 0 && s.onlyAt != c.InFlight })
		if err := b.stub.delay(c.Upstream); err != nil {
			return nil, err
		}
		seen := make([][]round, len(subjects))
		for n := range rounds + 1 {
			for i := range subjects {
				at := (i + n) % len(subjects)
				pair, err := b.pair(floor, subjects[at], c, n == 0)
				if err != nil {
					return nil, fmt.Errorf("%s, %v upstream, %d in flight: %w", subjects[at].name, c.Upstream, c.InFlight, err)
				}
				if n > 0 { // the first opens connections and grows heaps
					seen[at] = append(seen[at], pair)
				}
			}
		}
		rows = append(rows, floorRow(c, seen))
		for i, s := range subjects {
			rows = append(rows, subjectRow(c, s, seen[i]))
		}
	}
	return rows, nil
}

func (b *bench) pair(floor, s *subject, c cell, warmUp bool) (pair round, err error) {
	if warmUp {
		c.calls = 2 * c.InFlight
	}
	if pair.floor, err = b.run(floor, c); err == nil {
		pair.own, err = b.run(s, c)
	}
	return pair, err
}

// run puts one load on a subject, and holds the stub to have got as many
// messages as there were calls.
func (b *bench) run(s *subject, c cell) (f figures, err error) {
	load := b.load(c)
	before, err := b.stub.counts()
	if err != nil {
		return f, err
	}
	cpuBefore, _ := s.cpu() // zero where there is no such figure, before as after
	if f.Sample, err = s.client.Run(load); err != nil {
		return f, fmt.Errorf("%w\n%s", err, s.log)
	}
	cpuAfter, _ := s.cpu()
	after, err := b.stub.counts()
	if err != nil {
		return f, err
	}
	if posts := after.Posts - before.Posts; posts != int64(c.calls) || after.Others != before.Others {
		return f, fmt.Errorf("%d calls made %d messages and %d other requests", c.calls, posts, after.Others-before.Others)
	}
	f.cpu = (cpuAfter - cpuBefore) * 10_000 / time.Duration(c.calls)
	return f, nil
}

func (b *bench) load(c cell) measure.Load {
	return measure.Load{Calls: c.calls, InFlight: c.InFlight, First: b.numbers(c.calls), Spread: c.Upstream}
}

// numbers reserves numbers for so many calls and returns the first.
func (b *bench) numbers(calls int) int {
	first := b.next + 1000 // below are the ids of handshakes
	b.next += calls
	return first
}

func floorRow(c cell, seen [][]round) row {
	var own []figures
	for _, rounds := range seen {
		for _, r := range rounds {
			own = append(own, r.floor)
		}
	}
	r := summary(c, own)
	r.Subject, r.RateRatio, r.P50Ratio, r.P99Ratio, r.CPURatio = floorName, 1, 1, 1, 1
	return r
}

func subjectRow(c cell, s *subject, rounds []round) row {
	var own []figures
	for _, r := range rounds {
		own = append(own, r.own)
	}
	out := summary(c, own)
	out.Subject, out.Ledger = s.name, s.ledger
	ratio := func(of func(figures) float64) float64 {
		return middle(rounds, func(r round) float64 { return of(r.own) / of(r.floor) })
	}
	out.RateRatio = ratio(func(f figures) float64 { return f.Rate() })
	out.P50Ratio = ratio(func(f figures) float64 { return float64(f.Quantile(0.5)) })
	out.P99Ratio = ratio(func(f figures) float64 { return float64(f.Quantile(0.99)) })
	if out.CPU > 0 {
		out.CPURatio = ratio(func(f figures) float64 { return float64(f.cpu) })
	}
	out.AddedP50 = middle(rounds, func(r round) time.Duration { return r.own.Quantile(0.5) - r.floor.Quantile(0.5) })
	return out
}

func summary(c cell, all []figures) row {
	return row{
		cell: c,
		Rate: middle(all, figures.Rate),
		P50:  middle(all, func(f figures) time.Duration { return f.Quantile(0.5) }),
		P99:  middle(all, func(f figures) time.Duration { return f.Quantile(0.99) }),
		CPU:  middle(all, func(f figures) time.Duration { return f.cpu }),
	}
}

func middle[T any, N float64 | time.Duration](all []T, of func(T) N) N {
	var values []N
	for _, one := range all {
		values = append(values, of(one))
	}
	return measure.Median(values)
}

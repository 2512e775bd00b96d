package main

import (
	"fmt"
	"slices"
	"time"
)

// figures are what one run of a load gives.
type figures [4]float64

// The indexes of figures.
const (
	rate = iota // calls a second
	p50         // ms
	p99         // ms
	cpu         // seconds of the server's process for 10,000 calls, or 0 where the system does not tell
)

// cell is one load of the table.
type cell struct {
	upstream        time.Duration // how long the stub takes to answer
	inFlight, calls int
}

// row is a subject under the load of a cell. All figures are medians over the rounds.
type row struct {
	cell
	subject, ledger string
	own             figures
	ratio           figures // to the floor's run right before
	addedP50        float64 // ms above the floor's p50
}

// round is a subject's run and the floor's run right before it.
type round struct{ own, floor figures }

func (b *bench) measureLoads() {
	p := b.startPart("floor", b.stub.HTTP)
	plain := &subject{launch: launch{name: floorName}, process: p, client: floor{p}}
	all := b.openAll()
	for _, c := range b.cells {
		b.say(fmt.Sprintf("%v upstream, %d in flight", c.upstream, c.inFlight))
		b.measureCell(c, plain, all)
	}
	for _, s := range append(all, plain) {
		s.stop()
	}
}

// measureCell puts one load on every subject. The floor runs before each run of a subject. Both runs are short, so that
// whatever else the machine does falls on both.
func (b *bench) measureCell(c cell, plain *subject, subjects []*subject) {
	b.stub.setDelay(c.upstream)
	seen := make([][]round, len(subjects))
	var ofFloor []round
	for n := range b.rounds + 1 {
		calls := c.calls
		if n == 0 {
			calls = 2 * c.inFlight // opens connections and grows heaps; not kept
		}
		for i := range subjects {
			at := (i + n) % len(subjects)
			base := b.run(plain, c.inFlight, calls)
			own := b.run(subjects[at], c.inFlight, calls)
			if n > 0 {
				seen[at] = append(seen[at], round{own, base})
				ofFloor = append(ofFloor, round{base, base})
			}
		}
	}
	b.rows = append(b.rows, medians(c, plain, ofFloor))
	for i, s := range subjects {
		b.rows = append(b.rows, medians(c, s, seen[i]))
	}
}

func medians(c cell, s *subject, rounds []round) row {
	r := row{cell: c, subject: s.name, ledger: s.ledger}
	of := func(value func(round) float64) float64 {
		var values []float64
		for _, one := range rounds {
			values = append(values, value(one))
		}
		return median(values)
	}
	for i := range r.own {
		r.own[i] = of(func(one round) float64 { return one.own[i] })
		r.ratio[i] = of(func(one round) float64 { return over(one.own[i], one.floor[i]) })
	}
	r.addedP50 = of(func(one round) float64 { return one.own[p50] - one.floor[p50] })
	return r
}

// run puts a load on a subject. The benchmark fails if the stub does not get one message for each call.
func (b *bench) run(s *subject, inFlight, calls int) figures {
	var took sample
	var used time.Duration
	seen := b.stub.during(func() {
		before := processCPU(s.cmd.Process.Pid)
		took = s.runs(load{Calls: calls, InFlight: inFlight, First: b.numbers(calls), Spread: b.stub.delay})
		used = processCPU(s.cmd.Process.Pid) - before
	})
	if seen.Posts != int64(calls) || seen.Others != 0 {
		must(fmt.Errorf("%s: %d calls made %d messages and %d other requests", s.name, calls, seen.Posts, seen.Others))
	}
	return figures{
		rate: float64(calls) / took.Elapsed.Seconds(),
		p50:  ms(took.quantile(0.5)), p99: ms(took.quantile(0.99)),
		cpu: used.Seconds() * 10_000 / float64(calls),
	}
}

// numbers reserves numbers for calls and returns the first.
func (b *bench) numbers(calls int) int {
	b.next += calls
	return b.next - calls + 1000 // the handshakes have smaller ids
}

// median returns the middle value, or zero if there are no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// ms converts a duration to milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// over divides. It returns zero, which means "not measured", when b is zero.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// started is the time from starting a process to its answer to tools/list.
type started struct {
	subject string
	took    float64 // ms
	ratio   float64 // to the canned process, which is started right before
}

func (b *bench) measureStarts() {
	canned := launch{name: cannedName, argv: []string{b.program("canned")}}
	launches := append([]launch{b.stdio("SQLite"), b.mcpgo("mcp-go stdio", 0)}, b.npm...)
	var ofCanned []float64
	took, ratios := make([][]float64, len(launches)), make([][]float64, len(launches))
	for n := range b.starts + 1 {
		for i, l := range launches {
			least, own := b.timeStart(canned), b.timeStart(l)
			if n > 0 { // the first round reads the programs from disk
				ofCanned = append(ofCanned, least)
				took[i], ratios[i] = append(took[i], own), append(ratios[i], own/least)
			}
		}
	}
	b.started = []started{{cannedName, median(ofCanned), 1}}
	for i, l := range launches {
		b.started = append(b.started, started{l.name, median(took[i]), median(ratios[i])})
	}
}

func (b *bench) timeStart(l launch) float64 {
	begun := time.Now()
	s := b.open(l)
	s.must(s.lines.exchange(toolsList))
	took := time.Since(begun)
	s.stop()
	return ms(took)
}

// memory is resident memory in MB.
type memory struct {
	subject, ledger string
	calls           int
	idle            float64 // after tools/list
	worked          float64 // after the calls, 64 in flight
	later           float64 // after as many calls again
}

func (b *bench) measureMemory() {
	b.stub.setDelay(0)
	for _, l := range []launch{b.stdio("off"), b.stdio("SQLite"), b.mcpgo(mcpgoName, 100)} {
		s := b.open(l)
		s.must(s.lines.exchange(toolsList))
		m := memory{subject: l.name, ledger: l.ledger, calls: b.memoryCalls, idle: s.settledMemory()}
		b.run(s, 64, m.calls)
		m.worked = s.settledMemory()
		b.run(s, 64, m.calls)
		m.later = s.settledMemory()
		b.memory = append(b.memory, m)
		s.stop()
	}
}

func (p *process) settledMemory() float64 {
	time.Sleep(500 * time.Millisecond) // long enough for a garbage collection to end
	return processMemory(p.cmd.Process.Pid)
}

// measureBursts has many calls begin at once.
func (b *bench) measureBursts() {
	s := b.open(b.stdio("off"))
	b.stub.setDelay(50 * time.Millisecond)
	var worst []float64
	for range b.bursts {
		pings, err := s.lines.pingDuring(400, b.numbers(400), 100, b.numbers(100))
		s.must(err)
		worst = append(worst, ms(pings.quantile(0.99)))
	}
	b.pingP99 = median(worst)
	const atOnce = 1000
	seen := b.stub.during(func() {
		took := s.runs(load{Calls: atOnce, InFlight: atOnce, First: b.numbers(atOnce)})
		b.answered = len(took.Latencies)
	})
	if seen.Posts != atOnce {
		must(fmt.Errorf("%d calls at once made %d messages", atOnce, seen.Posts))
	}
	s.stop()
}

// measureConnections counts what reaches the stub.
func (b *bench) measureConnections() {
	b.stub.setDelay(0)
	b.newHTTP = b.newConnections(b.stub.HTTP)
	b.newHTTPS = b.newConnections(b.stub.HTTPS)
	s := b.open(b.stdio("off"))
	s.lines.request, s.lines.refused = callInvalid, true
	b.rejected = b.stub.during(func() { s.runs(load{Calls: 1000, InFlight: 64, First: b.numbers(1000)}) })
	s.stop()
}

// newConnections returns how many connections are opened for 1,000 calls, once 64 calls in flight have opened theirs.
func (b *bench) newConnections(baseURL string) float64 {
	s := b.open(b.product("off", baseURL, "stdio"))
	b.run(s, 64, 1000)
	const calls = 5000
	seen := b.stub.during(func() { b.run(s, 64, calls) })
	s.stop()
	return float64(seen.Connections) * 1000 / calls
}

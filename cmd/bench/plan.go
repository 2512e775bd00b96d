package main

import (
	"errors"
	"time"
)

// A plan is how much is measured.
type plan struct {
	cells    []cell
	rounds   int
	launches int // rounds of starting processes
	bursts   int
	memory   int // calls
	all      bool
}

// calls of one round: enough for a quantile, few enough for many rounds.
func cellOf(upstream time.Duration, inFlight, calls int) cell {
	return cell{Upstream: upstream, InFlight: inFlight, calls: calls}
}

func quickPlan() plan {
	return plan{
		cells: []cell{
			cellOf(0, 1, 400), cellOf(0, 64, 1500),
			cellOf(50*time.Millisecond, 64, 64*5), cellOf(50*time.Millisecond, 256, 256*4),
		},
		rounds: 3, launches: 5, bursts: 1, memory: 10_000,
	}
}

func fullPlan() plan {
	p := plan{rounds: 3, launches: 15, bursts: 5, memory: 100_000, all: true}
	for _, inFlight := range []int{1, 16, 64, 256} {
		p.cells = append(p.cells,
			cellOf(0, inFlight, 1000+20*inFlight),
			cellOf(50*time.Millisecond, inFlight, 10*inFlight),
			cellOf(200*time.Millisecond, inFlight, 2*inFlight))
	}
	return p
}

// Results are one run's figures.
type Results struct {
	Machine     Machine
	Full        bool
	Rows        []row
	Startup     []Startup
	Memory      []Memory
	Sessions    Sessions
	Connections Connections
	Burst       Burst
	Goals       []Goal
	Missing     []string // what could not be measured, and why
}

func (b *bench) measureAll(o options, say func(string)) (*Results, error) {
	p := quickPlan()
	if o.full {
		p = fullPlan()
	}
	r := &Results{Full: o.full, Machine: describeMachine(b.dir)}
	var err error
	launches := b.launches()
	var peers []launch
	if o.peers {
		say("installing the npm peers")
		if peers, err = b.peers(); err != nil {
			return nil, err
		}
		launches = append(launches, peers...)
	}
	say("starting processes")
	if r.Startup, err = b.startup(launches, p.launches); err != nil {
		return nil, err
	}
	if err := b.measureRates(peers, p, r, say); err != nil {
		return nil, err
	}
	say("bursts and connections")
	if r.Burst, err = b.burst(p.bursts); err != nil {
		return nil, err
	}
	if r.Connections, err = b.connections(); err != nil {
		return nil, err
	}
	say("memory")
	if err := b.measureMemory(p, r); err != nil {
		return nil, err
	}
	r.Goals = goals(r)
	return r, nil
}

func (b *bench) measureRates(peers []launch, p plan, r *Results, say func(string)) error {
	floor, err := b.startFloor()
	if err != nil {
		return err
	}
	defer floor.stop()
	subjects, missing, err := b.subjects(peers, p)
	for _, s := range subjects {
		defer s.kill()
	}
	if err != nil {
		return err
	}
	r.Missing = missing
	r.Rows, err = b.rates(floor, subjects, p.cells, p.rounds, say)
	return err
}

// subjects starts everything that takes part in the table.
func (b *bench) subjects(peers []launch, p plan) (all []*subject, missing []string, err error) {
	add := func(s *subject, startErr error) {
		if startErr == nil {
			all = append(all, s)
		}
		err = errors.Join(err, startErr)
	}
	ledgers := []string{"off", "SQLite"}
	if b.postgres != "" {
		ledgers = append(ledgers, "PostgreSQL")
	} else {
		missing = append(missing, "PostgreSQL: no -postgres URL was given")
	}
	for _, ledger := range ledgers {
		add(b.startStdio(ledger, b.stub.HTTP))
	}
	overHTTP := ledgers[:1]
	if p.all {
		overHTTP = ledgers[:2]
	}
	for _, ledger := range overHTTP {
		transports, httpErr := b.startTransports(ledger)
		if errors.Is(httpErr, errNoHTTP) {
			missing = append(missing, "HTTP and SSE: "+httpErr.Error())
			break
		}
		all, err = append(all, transports...), errors.Join(err, httpErr)
	}
	add(b.startMCPGo(100))
	add(b.startMCPGoHTTP())
	if p.all {
		add(b.startMCPGo(0))
	}
	for _, l := range peers {
		add(startPeer(l))
	}
	if len(peers) == 0 {
		missing = append(missing, "npm peers: -peers was not given")
	}
	return all, missing, err
}

func (b *bench) measureMemory(p plan, r *Results) error {
	starts := []func() (*subject, error){
		func() (*subject, error) { return b.startStdio("off", b.stub.HTTP) },
		func() (*subject, error) { return b.startStdio("SQLite", b.stub.HTTP) },
		func() (*subject, error) { return b.startMCPGo(100) },
	}
	for _, start := range starts {
		s, err := start()
		if err != nil {
			return err
		}
		m, err := b.memory(s, p.memory)
		if err != nil {
			return err
		}
		r.Memory = append(r.Memory, m)
	}
	var err error
	r.Sessions, err = b.sessions(1000)
	if errors.Is(err, errNoHTTP) {
		return nil // said already
	}
	return err
}

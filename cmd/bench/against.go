package main

import "time"

// chosen: minutes, not hours.
const (
	againstRounds = 11
	againstMemory = 10_000 // calls
)

// against measures this build of the product beside another one, to see what a
// change is worth: over stdio, with the ledger off and on SQLite.
func (b *bench) against(other string, say func(string)) (*Results, error) {
	floor, err := b.startFloor()
	if err != nil {
		return nil, err
	}
	defer floor.stop()
	second := *b.programs
	second.product = other
	before := *b
	before.programs = &second
	var all []*subject // each is stopped by memory, or by its stdin when this process ends
	for _, ledger := range []string{"off", "SQLite"} {
		for _, build := range []*bench{b, &before} {
			s, err := build.startStdio(ledger, b.stub.HTTP)
			if err != nil {
				return nil, err
			}
			if all = append(all, s); build != b {
				s.name = "stdio, the other build"
			}
			before.next += 1_000_000 // its ledger's file is another
		}
	}
	cells := []cell{cellOf(0, 1, 500), cellOf(0, 64, 2000), cellOf(50*time.Millisecond, 64, 64*5)}
	r := &Results{}
	if r.Rows, err = b.rates(floor, all, cells, againstRounds, say); err != nil {
		return nil, err
	}
	say("memory")
	for _, s := range all {
		m, err := b.memory(s, againstMemory)
		if err != nil {
			return nil, err
		}
		r.Memory = append(r.Memory, m)
	}
	return r, nil
}

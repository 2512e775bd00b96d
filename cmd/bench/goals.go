package main

import (
	"fmt"
	"time"
)

// goal is one promise, with the figure of this run.
type goal struct {
	text     string
	figure   string // "" when it was not measured
	met      bool
	measured bool
}

// results are the figures of one run.
type results struct {
	machine           string // a sentence
	rows              []row
	started           []started
	memory            []memory
	pingP99           float64 // ms, of pings during a burst of 400 calls
	answered          int     // of 1,000 calls that begin at once
	newHTTP, newHTTPS float64 // upstream connections for 1,000 calls
	rejected          counts  // of 1,000 calls that break the schema
	missing           []string
}

// goals compares the results with what was promised.
func (r *results) goals() []goal {
	s := &scorer{results: r}
	s.throughput()
	s.latency()
	s.cost()
	s.process()
	return s.out
}

type scorer struct {
	*results
	out []goal
}

func (s *scorer) atLeast(want, got float64, unit, text string) {
	s.add(got >= want, want, got, ">=", unit, text)
}

func (s *scorer) atMost(want, got float64, unit, text string) {
	s.add(got <= want, want, got, "<=", unit, text)
}

// add adds a goal. A figure of zero means that it was not measured, unless zero is what is wanted.
func (s *scorer) add(met bool, want, got float64, sign, unit, text string) {
	g := goal{text: fmt.Sprintf("%s: %s %.4g%s", text, sign, want, unit)}
	if got > 0 || want == 0 && got == 0 {
		g.measured, g.met, g.figure = true, met, fmt.Sprintf("%.3g%s", got, unit)
	}
	s.out = append(s.out, g)
}

// find returns the row of a subject under a load, or the zero row when there is none.
func (s *scorer) find(name, ledger string, upstream time.Duration, inFlight int) row {
	for _, r := range s.rows {
		if r.subject == name && r.ledger == ledger && r.upstream == upstream && r.inFlight == inFlight {
			return r
		}
	}
	return row{}
}

func (s *scorer) throughput() {
	of := func(name, ledger string) float64 { return s.find(name, ledger, 0, 64).ratio[rate] }
	stdio, http := of(stdioName, "off"), of(httpName, "off")
	s.atLeast(0.40, stdio, "", "stdio, 0 ms, 64 in flight, calls/s to the floor's")
	s.atLeast(2.5, over(stdio, of(mcpgoName, "")), "", "the same, to mcp-go's own server with both validations")
	s.atLeast(2, over(stdio, of(twilioName, "")), "", "the same, to Twilio's own server")
	s.atLeast(0.30, http, "", "Streamable HTTP, 0 ms, 64 in flight, calls/s to the floor's")
	s.atLeast(2, over(http, of(mcpgoHTTPName, "")), "", "the same, to mcp-go's own stateless server")
}

func (s *scorer) latency() {
	one, mcpgo := s.find(stdioName, "off", 0, 1), s.find(mcpgoName, "", 0, 1)
	s.atMost(0.45, over(one.addedP50, mcpgo.addedP50), "", "stdio, 0 ms, 1 in flight, what is added to the floor's p50, to what mcp-go's server adds")
	const upstream = 50 * time.Millisecond
	for _, name := range []string{stdioName, httpName, modernName, sseName} {
		ratio := s.find(name, "off", upstream, 64).ratio
		s.atLeast(0.97, ratio[rate], "", name+", 50 ms, 64 in flight, calls/s to the floor's")
		s.atMost(1.02, ratio[p50], "", name+", 50 ms, 64 in flight, p50 to the floor's")
		s.atMost(1.15, ratio[p99], "", name+", 50 ms, 64 in flight, p99 to the floor's")
		s.atLeast(0.9, s.find(name, "off", upstream, 256).ratio[rate], "", name+", 50 ms, 256 in flight, calls/s to the floor's")
	}
	s.atLeast(1000, float64(s.answered), "", "calls answered of 1,000 begun at once")
	s.atMost(5, s.pingP99, " ms", "p99 of a ping during a burst of 400 calls")
}

func (s *scorer) cost() {
	stdio, http, modern := s.find(stdioName, "off", 0, 64), s.find(httpName, "off", 0, 64), s.find(modernName, "off", 0, 64)
	s.atMost(1.3, stdio.own[cpu], " s", "CPU of 10,000 calls over stdio, 64 in flight")
	s.atMost(0.5, over(stdio.ratio[cpu], s.find(twilioName, "", 0, 64).ratio[cpu]), "", "the same, to Twilio's own server")
	s.atMost(2.5, stdio.ratio[cpu], "", "the same, to the floor's")
	s.atMost(1.7, http.own[cpu], " s", "CPU of 10,000 calls over HTTP, 64 in flight")
	s.atMost(1.4, over(modern.ratio[cpu], http.ratio[cpu]), "", "CPU of revision 2026-07-28 over HTTP, to 2025-11-25's")
}

func (s *scorer) process() {
	var product, twilio started
	for _, one := range s.started {
		switch one.subject {
		case stdioName:
			product = one
		case twilioName:
			twilio = one
		}
	}
	s.atMost(3.5, product.ratio, "", "start to tools/list, to a Go process with canned answers")
	s.atLeast(30, over(twilio.took, product.took), "", "start to tools/list, times faster than Twilio's own server")
	for _, m := range s.memory {
		if m.subject == stdioName {
			s.atMost(18, m.idle, " MB", "resident memory, idle, ledger "+m.ledger)
			s.atMost(30, m.worked, " MB", fmt.Sprintf("resident memory after %d calls, ledger %s", m.calls, m.ledger))
			s.atMost(1.1, over(m.later, m.worked), "", "and after as many again, to that")
		}
	}
	s.atMost(0, s.newHTTP, "", "new upstream connections per 1,000 calls, 64 in flight")
	s.atMost(0, s.newHTTPS, "", "the same over TLS")
	s.atMost(0, float64(s.rejected.Connections+s.rejected.Posts), "", "connections and messages for 1,000 calls that break the schema")
	off, on := s.find(stdioName, "off", 0, 1), s.find(stdioName, "SQLite", 0, 1)
	s.atMost(1.5, on.own[p50]-off.own[p50], " ms", "what the ledger on SQLite adds to p50, 1 in flight")
	s.atLeast(1000, s.find(stdioName, "SQLite", 0, 64).own[rate], "/s", "durably recorded sends on SQLite, 64 in flight")
}

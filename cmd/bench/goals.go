package main

import (
	"fmt"
	"time"
)

// A Goal is one promise with the figure of this run.
type Goal struct {
	Text     string
	Figure   string // "" when it was not measured
	Met      bool
	Measured bool
}

// A scorer gathers goals from one run's results.
type scorer struct {
	*Results
	out []Goal
}

// goals holds the run to what was promised: ratios of one run, medians.
func goals(r *Results) []Goal {
	s := &scorer{Results: r}
	s.throughput()
	s.latency()
	s.cost()
	s.process()
	s.ledger()
	return s.out
}

// ms is a duration in milliseconds, for the thresholds below.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (s *scorer) atLeast(want, got float64, unit, text string) {
	s.judge(got >= want, want, got, ">=", unit, text)
}
func (s *scorer) atMost(want, got float64, unit, text string) {
	s.judge(got <= want, want, got, "<=", unit, text)
}

// judge adds a goal; a figure of zero or one that is no number was not measured,
// except where zero is what is wanted.
func (s *scorer) judge(met bool, want, got float64, sign, unit, text string) {
	g := Goal{Text: fmt.Sprintf("%s: %s %.4g%s", text, sign, want, unit)}
	if g.Measured = got > 0 || want == 0 && got == 0; g.Measured {
		g.Met, g.Figure = met, fmt.Sprintf("%.3g%s", got, unit)
	}
	s.out = append(s.out, g)
}

// find returns the row of a subject under a load; the zero row when there is none.
func (s *scorer) find(name, ledger string, upstream time.Duration, inFlight int) row {
	for _, r := range s.Rows {
		if r.Subject == name && r.Ledger == ledger && r.Upstream == upstream && r.InFlight == inFlight {
			return r
		}
	}
	return row{}
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (s *scorer) throughput() {
	stdio, mcpgo := s.find(stdioName, "off", 0, 64), s.find(mcpgoName, "", 0, 64)
	http, mcpgoHTTP := s.find(httpName, "off", 0, 64), s.find(mcpgoHTTPName, "", 0, 64)
	twilio := s.find(twilioName, "", 0, 64)
	s.atLeast(0.40, stdio.RateRatio, "", "stdio, 0 ms, 64 in flight, calls/s to the floor's")
	s.atLeast(2.5, over(stdio.RateRatio, mcpgo.RateRatio), "", "the same, to mcp-go's own server with both validations")
	s.atLeast(2, over(stdio.RateRatio, twilio.RateRatio), "", "the same, to Twilio's own server")
	s.atLeast(0.30, http.RateRatio, "", "Streamable HTTP, 0 ms, 64 in flight, calls/s to the floor's")
	s.atLeast(2, over(http.RateRatio, mcpgoHTTP.RateRatio), "", "the same, to mcp-go's own stateless server")
}

func (s *scorer) latency() {
	one, mcpgo := s.find(stdioName, "off", 0, 1), s.find(mcpgoName, "", 0, 1)
	s.atMost(0.45, over(float64(one.AddedP50), float64(mcpgo.AddedP50)), "", "stdio, 0 ms, 1 in flight, what is added to the floor's p50, to what mcp-go's server adds")
	const upstream = 50 * time.Millisecond
	for _, name := range []string{stdioName, httpName, modernName, sseName} {
		row := s.find(name, "off", upstream, 64)
		s.atLeast(0.97, row.RateRatio, "", name+", 50 ms, 64 in flight, calls/s to the floor's")
		s.atMost(1.02, row.P50Ratio, "", name+", 50 ms, 64 in flight, p50 to the floor's")
		s.atMost(1.15, row.P99Ratio, "", name+", 50 ms, 64 in flight, p99 to the floor's")
		s.atLeast(0.9, s.find(name, "off", upstream, 256).RateRatio, "", name+", 50 ms, 256 in flight, calls/s to the floor's")
	}
	s.atLeast(1000, float64(s.Burst.Answered), "", "calls answered of 1,000 begun at once")
	s.atMost(5, ms(s.Burst.PingP99), " ms", "p99 of a ping during a burst of 400 calls")
}

func (s *scorer) cost() {
	stdio, http, modern := s.find(stdioName, "off", 0, 64), s.find(httpName, "off", 0, 64), s.find(modernName, "off", 0, 64)
	twilio := s.find(twilioName, "", 0, 64)
	s.atMost(1.3, stdio.CPU.Seconds(), " s", "CPU of 10,000 calls over stdio, 64 in flight")
	s.atMost(0.5, over(stdio.CPURatio, twilio.CPURatio), "", "the same, to Twilio's own server")
	s.atMost(2.5, stdio.CPURatio, "", "the same, to the floor's")
	s.atMost(1.7, http.CPU.Seconds(), " s", "CPU of 10,000 calls over HTTP, 64 in flight")
	s.atMost(1.4, over(modern.CPURatio, http.CPURatio), "", "CPU of revision 2026-07-28 over HTTP, to 2025-11-25's")
}

func (s *scorer) process() {
	started := func(name string) (f Startup) {
		for _, f := range s.Startup {
			if f.Subject == name {
				return f
			}
		}
		return f
	}
	product := started(stdioName)
	s.atMost(3.5, product.CannedRatio, "", "start to tools/list, to a Go process with canned answers")
	s.atLeast(30, over(ms(started(twilioName).Took), ms(product.Took)), "", "start to tools/list, times faster than Twilio's own server")
	for _, m := range s.Memory {
		if m.Subject != stdioName {
			continue
		}
		s.atMost(18, megabytes(m.Idle), " MB", fmt.Sprintf("resident memory, idle, ledger %s", m.Ledger))
		s.atMost(30, megabytes(m.Worked), " MB", fmt.Sprintf("resident memory after %d calls, ledger %s", m.Calls, m.Ledger))
		s.atMost(1.1, over(float64(m.Later), float64(m.Worked)), "", "and after as many again, to that")
	}
	s.atMost(0, s.Connections.HTTP, "", "new upstream connections per 1,000 calls, 64 in flight")
	s.atMost(0, s.Connections.HTTPS, "", "the same over TLS")
	s.atMost(0, float64(s.Connections.RejectedConnections+s.Connections.RejectedPosts), "", "connections and messages for 1,000 calls that break the schema")
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func (s *scorer) ledger() {
	off, on := s.find(stdioName, "off", 0, 1), s.find(stdioName, "SQLite", 0, 1)
	s.atMost(1.5, ms(on.P50-off.P50), " ms", "what the ledger on SQLite adds to p50, 1 in flight")
	s.atLeast(1000, s.find(stdioName, "SQLite", 0, 64).Rate, "/s", "durably recorded sends on SQLite, 64 in flight")
}

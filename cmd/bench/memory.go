package main

import (
	"errors"
	"fmt"
	"time"

	"twilio-proxy-mcp/cmd/bench/drive"
	"twilio-proxy-mcp/cmd/bench/measure"
)

// Memory is resident memory in bytes.
type Memory struct {
	Subject string
	Ledger  string
	Idle    int64 // after initialize and tools/list
	Calls   int   // how many calls Worked stands after
	Worked  int64
	Later   int64 // after as many calls again
}

// settle is how long a process is left alone before its memory is read; chosen.
const settle = 500 * time.Millisecond

// memory starts a subject of its own on stdio and has it work, 64 in flight.
func (b *bench) memory(s *subject, calls int) (m Memory, err error) {
	defer s.stop()
	m = Memory{Subject: s.name, Ledger: s.ledger, Calls: calls}
	if err := b.stub.delay(0); err != nil {
		return m, err
	}
	if _, err = s.client.(*drive.Lines).Exchange(drive.ToolsList); err != nil {
		return m, err
	}
	if m.Idle, err = s.settled(); err != nil {
		return m, err
	}
	for _, figure := range []*int64{&m.Worked, &m.Later} {
		if _, err = b.run(s, cell{InFlight: 64, calls: calls}); err != nil {
			return m, err
		}
		if *figure, err = s.settled(); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (p *process) settled() (int64, error) {
	time.Sleep(settle)
	return p.rss()
}

// Sessions is resident memory of the product on HTTP, in bytes.
type Sessions struct {
	Idle  int64
	Count int
	Open  int64 // with so many initialized SSE sessions
}

func (b *bench) sessions(count int) (s Sessions, err error) {
	p, base, err := b.startHTTP("off", b.stub.HTTP)
	if err != nil {
		return s, err
	}
	defer p.kill()
	s.Count = count
	if s.Idle, err = p.settled(); err != nil {
		return s, err
	}
	for range count {
		session, err := drive.OpenSSE(base + "/sse")
		if err != nil {
			return s, fmt.Errorf("%w\n%s", err, p.log)
		}
		defer session.Close()
	}
	s.Open, err = p.settled()
	return s, err
}

// Burst is what happens when many calls come in one moment.
type Burst struct {
	PingP99  time.Duration // of pings during a burst of 400 calls
	AtOnce   int
	Answered int // of AtOnce calls begun in one moment; all must have succeeded
}

const burstUpstream = 50 * time.Millisecond

func (b *bench) burst(rounds int) (figures Burst, err error) {
	s, err := b.startStdio("off", b.stub.HTTP)
	if err != nil {
		return figures, err
	}
	defer s.stop()
	if err := b.stub.delay(burstUpstream); err != nil {
		return figures, err
	}
	lines := s.client.(*drive.Lines)
	var worst []time.Duration
	for range rounds {
		pings, err := lines.PingDuring(400, b.numbers(400), 100, b.numbers(100))
		if err != nil {
			return figures, err
		}
		worst = append(worst, measure.Sample{Latencies: pings}.Quantile(0.99))
	}
	figures.PingP99 = measure.Median(worst)
	figures.AtOnce = 1000
	before, err := b.stub.counts()
	if err != nil {
		return figures, err
	}
	sample, err := lines.Run(measure.Load{Calls: figures.AtOnce, InFlight: figures.AtOnce, First: b.numbers(figures.AtOnce)})
	after, countErr := b.stub.counts()
	figures.Answered = len(sample.Latencies)
	if after.Posts-before.Posts != int64(figures.AtOnce) && err == nil {
		err = fmt.Errorf("%d calls at once made %d messages", figures.AtOnce, after.Posts-before.Posts)
	}
	return figures, errors.Join(err, countErr)
}

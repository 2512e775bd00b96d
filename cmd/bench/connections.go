package main

import "twilio-proxy-mcp/cmd/bench/drive"

// Connections are the upstream connections opened for 1,000 calls, 64 in
// flight, once that many are open.
type Connections struct {
	HTTP, HTTPS float64
	// Rejected is what 1,000 calls with arguments that break the schema cost.
	RejectedConnections, RejectedPosts int64
}

const steadyCalls = 5000

func (b *bench) connections() (c Connections, err error) {
	if err = b.stub.delay(0); err != nil {
		return c, err
	}
	if c.HTTP, err = b.steady(b.stub.HTTP); err != nil {
		return c, err
	}
	if c.HTTPS, err = b.steady(b.stub.HTTPS); err != nil {
		return c, err
	}
	return c, b.rejected(&c)
}

func (b *bench) steady(baseURL string) (float64, error) {
	s, err := b.startStdio("off", baseURL)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	if _, err := b.run(s, cell{InFlight: 64, calls: 1000}); err != nil {
		return 0, err
	}
	before, err := b.stub.counts()
	if err != nil {
		return 0, err
	}
	if _, err := b.run(s, cell{InFlight: 64, calls: steadyCalls}); err != nil {
		return 0, err
	}
	after, err := b.stub.counts()
	return float64(after.Connections-before.Connections) * 1000 / steadyCalls, err
}

func (b *bench) rejected(c *Connections) error {
	s, err := b.startStdio("off", b.stub.HTTP)
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := b.stub.counts()
	if err != nil {
		return err
	}
	lines := s.client.(*drive.Lines)
	lines.Request, lines.Fails = drive.Invalid, true
	if _, err := lines.Run(b.load(cell{InFlight: 64, calls: 1000})); err != nil {
		return err
	}
	after, err := b.stub.counts()
	c.RejectedConnections, c.RejectedPosts = after.Connections-before.Connections, after.Posts-before.Posts
	return err
}

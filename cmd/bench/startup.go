package main

import (
	"fmt"
	"time"

	"twilio-proxy-mcp/cmd/bench/drive"
	"twilio-proxy-mcp/cmd/bench/measure"
)

// A launch is how to start something that serves MCP on stdio.
type launch struct {
	name string
	env  []string
	argv []string
}

// Startup is the time from starting the process to the answer to tools/list.
type Startup struct {
	Subject     string
	Took        time.Duration
	CannedRatio float64 // to the process that answers fixed bytes, started right before
}

const cannedName = "Go process with canned answers"

func (b *bench) launches() []launch {
	return []launch{
		{stdioName, b.environment(b.ledgerAt("SQLite"), b.stub.HTTP), []string{b.product, "stdio"}},
		{"mcp-go stdio", nil, []string{b.mcpgo, "-upstream", b.stub.HTTP}},
	}
}

// startup measures the launches, each right after the canned process.
func (b *bench) startup(all []launch, rounds int) ([]Startup, error) {
	canned := launch{cannedName, nil, []string{b.canned}}
	took, ratios := map[string][]time.Duration{}, map[string][]float64{}
	for n := range rounds + 1 {
		for _, l := range all {
			least, err := spawn(canned)
			if err != nil {
				return nil, err
			}
			own, err := spawn(l)
			if err != nil {
				return nil, fmt.Errorf("start %s: %w", l.name, err)
			}
			if n > 0 { // the first reads the programs from disk
				took[cannedName] = append(took[cannedName], least)
				took[l.name] = append(took[l.name], own)
				ratios[l.name] = append(ratios[l.name], float64(own)/float64(least))
			}
		}
	}
	figures := []Startup{{cannedName, measure.Median(took[cannedName]), 1}}
	for _, l := range all {
		figures = append(figures, Startup{l.name, measure.Median(took[l.name]), measure.Median(ratios[l.name])})
	}
	return figures, nil
}

// spawn starts a process and asks it for its tools.
func spawn(l launch) (time.Duration, error) {
	begun := time.Now()
	p, err := start(l.env, l.argv[0], l.argv[1:]...)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	lines := &drive.Lines{In: p.in, Out: p.out}
	if err := lines.Open(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, p.log)
	}
	_, err = lines.Exchange(drive.ToolsList)
	return time.Since(begun), err
}

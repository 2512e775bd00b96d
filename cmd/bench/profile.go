package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const profiledCalls = 40_000

// profile has the product, built as a test binary so that it can be profiled,
// answer calls over stdio, 64 in flight, with the ledger off and on SQLite.
func (b *bench) profile(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	binary := filepath.Join(dir, "profiled")
	compile := exec.Command("go", "test", "-c", "-tags", "profile", "-o", binary, "twilio-proxy-mcp/cmd/twilio-proxy-mcp")
	compile.Stderr = os.Stderr
	if err := compile.Run(); err != nil {
		return fmt.Errorf("go test -c: %w", err)
	}
	for _, ledger := range []string{"off", "SQLite"} {
		at := func(kind string) string { return filepath.Join(dir, kind+"-ledger-"+ledger+".pprof") }
		// One at a time: counting allocations costs time that the other would see.
		for _, flags := range [][]string{{"-test.cpuprofile=" + at("cpu")}, {"-test.memprofile=" + at("allocs"), "-test.memprofilerate=4096"}} {
			if err := b.profileOne(binary, ledger, flags); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) profileOne(binary, ledger string, flags []string) error {
	p, err := start(b.environment(b.ledgerAt(ledger), b.stub.HTTP), binary, append(flags, "-test.run=^TestServeStdio$")...)
	s, err := openLines(stdioName, ledger, p, err)
	if err != nil {
		return err
	}
	if _, err := b.run(s, cell{InFlight: 64, calls: profiledCalls}); err != nil {
		return err
	}
	if err := p.in.Close(); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil { // the profile is written at its end
		return fmt.Errorf("%w\n%s", err, p.log)
	}
	return nil
}

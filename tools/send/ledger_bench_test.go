package send

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// BenchmarkLedgerCost is what a ledger adds to one call: the bare call and the
// same with each engine take turns in one run, so that all meet the same noise.
func BenchmarkLedgerCost(b *testing.B) {
	f := newFake(b)
	with := func(l *ledger.Ledger) *bench { return newBench(b, f, func(c *Config) { c.Ledger = l }) }
	postgres := ledgertest.Start()
	b.Cleanup(postgres.Stop)
	engines := []struct {
		name  string
		bench *bench
		took  []time.Duration
	}{
		{name: "bare", bench: with(nil)},
		{name: "memory", bench: with(&ledger.Ledger{Memory: true})},
		{name: "sqlite", bench: with(&ledger.Ledger{Path: filepath.Join(b.TempDir(), "ledger.db")})},
	}
	if postgres.DSN == "" {
		b.Log("without PostgreSQL: " + postgres.Missing)
	} else {
		engines = append(engines, engines[0])
		engines[3].name, engines[3].bench = "postgres", with(&ledger.Ledger{DSN: postgres.Schema(b)})
	}
	call := func(e *bench, body string) time.Duration {
		began := time.Now()
		if got := e.callIn(b.Context(), arguments(body), ""); len(got) == 0 {
			b.Fatal("no answer")
		}
		return time.Since(began)
	}
	for i := range engines {
		call(engines[i].bench, "the first call opens connections and ledgers")
		b.Cleanup(func() {
			if l := engines[i].bench.Ledger; l != nil {
				l.Close()
			}
		})
	}
	for n := 0; b.Loop(); n++ {
		for i := range engines {
			engines[i].took = append(engines[i].took, call(engines[i].bench, fmt.Sprint(engines[i].name, n)))
		}
	}
	for _, e := range engines {
		slices.Sort(e.took)
		b.ReportMetric(float64(e.took[len(e.took)/2].Microseconds()), e.name+"-p50-µs")
	}
}

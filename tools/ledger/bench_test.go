package ledger

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkSend measures what the ledger adds to one send: a claim, the question whether it stands, and its settlement.
func BenchmarkSend(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres", "memory"} {
		for _, flight := range []int{1, 64} {
			b.Run(engine+"/in-flight="+strconv.Itoa(flight), func(b *testing.B) { benchmarkSends(b, newPlace(b, engine), flight) })
		}
	}
}

func benchmarkSends(b *testing.B, p place, flight int) {
	l := p.open(b)
	if err := l.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	var senders sync.WaitGroup
	for range flight {
		senders.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				start := time.Now()
				d, err := l.Claim(b.Context(), intent(strconv.FormatInt(n, 10)))
				if err == nil {
					err = d.Claim.Stands(b.Context())
				}
				if err == nil {
					err = d.Claim.Settle(b.Context(), Settlement{State: Sent, Sid: "KI" + strconv.FormatInt(n, 10)})
				}
				if err != nil {
					b.Error(err)
					return
				}
				took[n-1] = time.Since(start)
			}
		})
	}
	senders.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
}

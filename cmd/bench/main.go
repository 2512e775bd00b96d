// Command bench measures the server. It compares it with a plain HTTP client that sends the same messages, with
// mcp-go's own servers and, with -peers, with servers from npm. It says which goals are met.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	defer exitOnFailure()
	switch {
	case len(os.Args) == 3 && os.Args[1] == "floor":
		runFloor(os.Args[2], os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "stub":
		runStub(os.Args[2], os.Stdin, os.Stdout)
	default:
		measure()
	}
}

func measure() {
	full := flag.Bool("full", false, "every load and more rounds: about a quarter of an hour, for a machine that does nothing else")
	peers := flag.Bool("peers", false, "measure the npm peers, too; needs npm")
	svg := flag.String("svg", "", "draw the main ratios into this `file`")
	markdown := flag.String("markdown", "", "write the results into this `file`")
	dir := flag.String("dir", "", "`directory` for the ledger and the programs; its disk is what durable sends are measured on; default: the system's for temporary files")
	postgres := flag.String("postgres", os.Getenv("BENCH_POSTGRES"), "`URL` of a PostgreSQL database for the ledger; default: $BENCH_POSTGRES")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{ctx: ctx, postgres: *postgres, plan: planOf(*full)}
	b.dir = get(filepath.Abs(get(os.MkdirTemp(*dir, "twilio-proxy-mcp-bench-")))) // a ledger's path is absolute
	defer os.RemoveAll(b.dir)
	defer b.stopAll()
	b.measureAll(*peers)
	if *svg != "" {
		must(os.WriteFile(*svg, []byte(b.chart()), 0o644))
	}
	if *markdown != "" {
		must(os.WriteFile(*markdown, []byte(b.markdown(*full)), 0o644))
	}
	fmt.Print(b.text())
}

// failure is an error that ends the benchmark. No error can be handled except by stopping the processes and reporting
// it. So must and get panic with it, the deferred functions stop the processes, and exitOnFailure reports it.
type failure struct{ error }

func must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func get[T any](value T, err error) T {
	must(err)
	return value
}

func exitOnFailure() {
	switch reason := recover().(type) {
	case nil:
	case failure:
		fmt.Fprintln(os.Stderr, "bench:", reason)
		os.Exit(1)
	default:
		panic(reason)
	}
}

// plan is how much is measured.
type plan struct {
	cells                  []cell
	rounds, starts, bursts int
	memoryCalls            int
	ledgersOverHTTP        []string
}

// planOf returns the plan. The calls of a cell are enough for a quantile and few enough for many rounds.
func planOf(full bool) plan {
	const slow, slower = 50 * time.Millisecond, 200 * time.Millisecond
	if !full {
		cells := []cell{{0, 1, 400}, {0, 64, 1500}, {slow, 64, 64 * 5}, {slow, 256, 256 * 4}}
		return plan{cells, 3, 5, 1, 10_000, []string{"off"}}
	}
	var cells []cell
	for _, n := range []int{1, 16, 64, 256} {
		cells = append(cells, cell{0, n, 1000 + 20*n}, cell{slow, n, 10 * n}, cell{slower, n, 2 * n})
	}
	return plan{cells, 3, 15, 5, 100_000, []string{"off", "SQLite"}}
}

// bench is one run of the benchmark.
type bench struct {
	plan
	results
	ctx       context.Context // ends on an interrupt, and ends every process
	dir       string          // has everything that the run writes
	postgres  string          // URL, or ""
	stub      stub
	npm       []launch
	processes []*process // all that were started
	next      int        // numbers given to calls so far
}

func (b *bench) measureAll(peers bool) {
	b.machine = describeMachine(b.dir)
	b.say("building")
	b.build()
	b.startStub()
	if peers {
		b.say("installing the npm peers")
		b.installPeers()
	}
	b.say("starting processes")
	b.measureStarts()
	b.measureLoads()
	b.say("bursts and connections")
	b.measureBursts()
	b.measureConnections()
	b.say("memory")
	b.measureMemory()
}

// say reports progress.
func (b *bench) say(what string) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), what)
}

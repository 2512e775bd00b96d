// Command bench measures the server against a plain HTTP client that sends the
// same messages, against mcp-go's own servers and, with -peers, against others,
// all in one run and in turns, and says which of its goals are met.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options are the command line.
type options struct {
	full, peers        bool
	svg, markdown, dir string
	postgres, profile  string
}

func main() {
	var o options
	flag.BoolVar(&o.full, "full", false, "every load and more rounds: about a quarter of an hour, for a machine that does nothing else")
	flag.BoolVar(&o.peers, "peers", false, "measure the npm peers, too; needs npm")
	flag.StringVar(&o.svg, "svg", "", "draw the main ratios into this `file`")
	flag.StringVar(&o.markdown, "markdown", "", "write the results into this `file`")
	flag.StringVar(&o.dir, "dir", "", "`directory` for the ledger and the programs; its disk is what durable sends are measured on; default: the system's for temporary files")
	flag.StringVar(&o.postgres, "postgres", os.Getenv("BENCH_POSTGRES"), "`URL` of a PostgreSQL database for the ledger; default: $BENCH_POSTGRES")
	flag.StringVar(&o.profile, "profile", "", "instead, write CPU and allocation profiles of the server, 64 in flight over stdio, into this `directory`")
	flag.Parse()
	if err := run(o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp(o.dir, "twilio-proxy-mcp-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	say := func(what string) { fmt.Fprintf(progress, "%s  %s\n", time.Now().Format(time.TimeOnly), what) }
	say("building")
	b := &bench{postgres: o.postgres}
	if b.programs, err = build(dir); err != nil {
		return err
	}
	if b.stub, err = b.startStub(); err != nil {
		return err
	}
	defer b.stub.stop()
	if o.profile != "" {
		return b.profile(o.profile)
	}
	r, err := b.measureAll(o, say)
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, []byte(chart(r)), 0o644); err != nil {
			return err
		}
	}
	if o.markdown != "" {
		if err := os.WriteFile(o.markdown, []byte(r.markdown()), 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, r.text())
	return err
}

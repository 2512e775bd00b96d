package main

import (
	"fmt"
	"strings"
	"time"
)

// table is lines of equal length, the first of which is the heading.
type table [][]string

// text aligns the columns: the first two to the left, the others to the right.
func (t table) text() string {
	widths := make([]int, len(t[0]))
	for _, line := range t {
		for i, value := range line {
			widths[i] = max(widths[i], len(value))
		}
	}
	var b strings.Builder
	for _, line := range t {
		for i, value := range line {
			if i < 2 {
				fmt.Fprintf(&b, "%-*s  ", widths[i], value)
			} else {
				fmt.Fprintf(&b, "%*s  ", widths[i], value)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	for i, line := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(line)) + "\n")
		}
	}
	return b.String()
}

// section is a heading with a table below it.
type section struct {
	title, note string
	table       table
}

func (r *Results) sections() []section {
	return []section{
		{"Goals", "Ratios of one run, medians.", r.goalTable()},
		{"Loads", "The rate limit is lifted in every row (`--rate-limit 0`). \"x floor\" is the ratio to the plain client's run right before. CPU is the server process's own.", r.rowTable()},
		{"From starting the process to the answer to tools/list", "", r.startupTable()},
		{"Resident memory over stdio, 64 in flight", "", r.memoryTable()},
		{"Bursts, sessions, connections", "", r.otherTable()},
	}
}

func (r *Results) goalTable() table {
	t := table{{"goal", "met", "figure"}}
	for _, g := range r.Goals {
		met := "no"
		switch {
		case !g.Measured:
			met = "not measured"
		case g.Met:
			met = "yes"
		}
		t = append(t, []string{g.Text, met, g.Figure})
	}
	return t
}

func (r *Results) rowTable() table {
	t := table{{"subject", "ledger", "upstream", "in flight", "calls/s", "x floor", "p50 ms", "x floor", "p99 ms", "x floor", "CPU s/10,000", "x floor"}}
	for _, w := range r.Rows {
		t = append(t, []string{w.Subject, w.Ledger, fmt.Sprintf("%d ms", w.Upstream.Milliseconds()), fmt.Sprint(w.InFlight),
			fmt.Sprintf("%.0f", w.Rate), ratio(w.RateRatio), milli(w.P50), ratio(w.P50Ratio), milli(w.P99), ratio(w.P99Ratio),
			fmt.Sprintf("%.2f", w.CPU.Seconds()), ratio(w.CPURatio)})
	}
	return t
}

func ratio(f float64) string       { return fmt.Sprintf("%.2f", f) }
func milli(d time.Duration) string { return fmt.Sprintf("%.2f", ms(d)) }
func mb(bytes int64) string        { return fmt.Sprintf("%.1f MB", megabytes(bytes)) }

func (r *Results) startupTable() table {
	t := table{{"subject", "", "ms", "x canned"}}
	for _, s := range r.Startup {
		t = append(t, []string{s.Subject, "", milli(s.Took), ratio(s.CannedRatio)})
	}
	return t
}

func (r *Results) memoryTable() table {
	t := table{{"subject", "ledger", "calls", "idle", "after the calls", "after as many again"}}
	for _, m := range r.Memory {
		t = append(t, []string{m.Subject, m.Ledger, fmt.Sprint(m.Calls), mb(m.Idle), mb(m.Worked), mb(m.Later)})
	}
	return t
}

func (r *Results) otherTable() table {
	c := r.Connections
	t := table{{"what", "", "figure"},
		{"p99 of a ping during a burst of 400 calls", "", milli(r.Burst.PingP99) + " ms"},
		{"calls answered of 1,000 begun at once", "", fmt.Sprint(r.Burst.Answered)},
		{"new upstream connections per 1,000 calls, HTTP", "", ratio(c.HTTP)},
		{"the same over TLS", "", ratio(c.HTTPS)},
		{"connections / messages for 1,000 calls that break the schema", "", fmt.Sprintf("%d / %d", c.RejectedConnections, c.RejectedPosts)},
	}
	if r.Sessions.Count > 0 {
		t = append(t, []string{"resident memory over HTTP, idle", "", mb(r.Sessions.Idle)},
			[]string{fmt.Sprintf("the same with %d SSE sessions", r.Sessions.Count), "", mb(r.Sessions.Open)})
	}
	return t
}

func (r *Results) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Machine.sentence())
	for _, s := range r.sections() {
		fmt.Fprintf(&b, "\n%s\n\n%s", s.title, s.table.text())
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "\nnot measured: %s", m)
	}
	return b.String() + "\n"
}

func (r *Results) markdown() string {
	var b strings.Builder
	kind := "a short run (`go run ./cmd/bench`)"
	if r.Full {
		kind = "a full run (`go run ./cmd/bench -full`)"
	}
	fmt.Fprintf(&b, "# Results\n\nFrom %s on %s: %s\n\n", kind, r.Machine.Date, r.Machine.sentence())
	b.WriteString(method)
	for _, s := range r.sections() {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.note != "" {
			fmt.Fprintf(&b, "%s\n\n", s.note)
		}
		b.WriteString(s.table.markdown())
	}
	if len(r.Missing) > 0 {
		b.WriteString("\n## Not measured\n\n- " + strings.Join(r.Missing, "\n- ") + "\n")
	}
	return b.String()
}

const method = `The upstream is a local stub that answers with the example of Twilio's documentation at once, or after 50 or 200 ms.
The floor is a ` + "`net/http`" + ` client that posts to it directly. Stub, floor and each server are processes of their own;
the clients write prepared bytes and find ids by scanning. Before each run of a server the floor runs, and the
ratio of the two is taken; the figures are medians over the rounds. Each call has a text of its own, and the stub counts
that every call was one message. With a delay upstream, calls begin spread over it and not in step.
`

func (m Machine) sentence() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, ledger on %s.", m.CPU, m.Cores, m.Go, m.Kernel, m.Disk)
}

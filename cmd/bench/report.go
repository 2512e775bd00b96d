package main

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// section is a table with a title. The table's first line is its heading.
type section struct {
	title, note string
	table       [][]string
}

func (s *section) add(values ...any) {
	var line []string
	for _, value := range values {
		if figure, ok := value.(float64); ok {
			value = fmt.Sprintf("%.2f", figure)
		}
		line = append(line, fmt.Sprint(value))
	}
	s.table = append(s.table, line)
}

func (s *section) text() string {
	var b strings.Builder
	b.WriteString("\n" + s.title + "\n\n")
	aligned := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range s.table {
		fmt.Fprintln(aligned, strings.Join(line, "\t"))
	}
	aligned.Flush()
	return b.String()
}

func (s *section) markdown() string {
	b := "\n## " + s.title + "\n\n"
	if s.note != "" {
		b += s.note + "\n\n"
	}
	for i, line := range s.table {
		b += "| " + strings.Join(line, " | ") + " |\n"
		if i == 0 {
			b += "|" + strings.Repeat("---|", len(line)) + "\n"
		}
	}
	return b
}

func (r *results) sections() []section {
	goals := section{title: "Goals", note: "Ratios of one run, medians."}
	goals.add("goal", "met", "figure")
	for _, g := range r.goals() {
		met := "no"
		if g.met {
			met = "yes"
		} else if !g.measured {
			met = "not measured"
		}
		goals.add(g.text, met, g.figure)
	}
	loads := section{title: "Loads", note: "The rate limit is lifted in every row (`--rate-limit 0`). \"x floor\" is the ratio to the plain client's run right before. CPU is the server process's own."}
	loads.add("subject", "ledger", "upstream", "in flight", "calls/s", "x floor", "p50 ms", "x floor", "p99 ms", "x floor", "CPU s/10,000", "x floor")
	for _, w := range r.rows {
		loads.add(w.subject, w.ledger, fmt.Sprintf("%d ms", w.upstream.Milliseconds()), w.inFlight, fmt.Sprintf("%.0f", w.own[rate]), w.ratio[rate],
			w.own[p50], w.ratio[p50], w.own[p99], w.ratio[p99], w.own[cpu], w.ratio[cpu])
	}
	starts := section{title: "From starting the process to the answer to tools/list"}
	starts.add("subject", "", "ms", "x canned")
	for _, s := range r.started {
		starts.add(s.subject, "", s.took, s.ratio)
	}
	resident := section{title: "Resident memory over stdio, 64 in flight"}
	resident.add("subject", "ledger", "calls", "idle", "after the calls", "after as many again")
	for _, m := range r.memory {
		resident.add(m.subject, m.ledger, m.calls, fmt.Sprintf("%.1f MB", m.idle), fmt.Sprintf("%.1f MB", m.worked), fmt.Sprintf("%.1f MB", m.later))
	}
	others := section{title: "Bursts and connections"}
	others.add("what", "", "figure")
	others.add("p99 of a ping during a burst of 400 calls", "", fmt.Sprintf("%.2f ms", r.pingP99))
	others.add("calls answered of 1,000 begun at once", "", r.answered)
	others.add("new upstream connections per 1,000 calls, HTTP", "", r.newHTTP)
	others.add("the same over TLS", "", r.newHTTPS)
	others.add("connections / messages for 1,000 calls that break the schema", "", fmt.Sprintf("%d / %d", r.rejected.Connections, r.rejected.Posts))
	return []section{goals, loads, starts, resident, others}
}

func (r *results) text() string {
	text := r.machine + "\n"
	for _, s := range r.sections() {
		text += s.text()
	}
	for _, m := range r.missing {
		text += "\nnot measured: " + m
	}
	return text + "\n"
}

func (r *results) markdown(full bool) string {
	kind := "a short run (`go run ./cmd/bench`)"
	if full {
		kind = "a full run (`go run ./cmd/bench -full`)"
	}
	text := fmt.Sprintf("# Results\n\nFrom %s on %s: %s\n\n%s", kind, time.Now().UTC().Format(time.DateOnly), r.machine, method)
	for _, s := range r.sections() {
		text += s.markdown()
	}
	if len(r.missing) > 0 {
		text += "\n## Not measured\n\n- " + strings.Join(r.missing, "\n- ") + "\n"
	}
	return text
}

const method = `The upstream is a local stub that answers with the example of Twilio's documentation at once, or after 50 or 200 ms.
The floor is a ` + "`net/http`" + ` client that posts to it directly. Stub, floor and each server are processes of their own;
the clients write prepared bytes and find ids by scanning. Before each run of a server the floor runs, and the
ratio of the two is taken; the figures are medians over the rounds. Each call has a text of its own, and the stub counts
that every call was one message. With a delay upstream, calls begin spread over it and not in step.
`

// bar is one subject in one comparison of the chart.
type bar struct {
	name  string
	value float64
	class string // its colour
}

// chart draws the main ratios. Its colours stand out on white and on black.
func (r *results) chart() string {
	var fast, slow, used, starts []bar
	for _, w := range r.rows {
		name, class := w.subject, "other"
		if w.ledger != "" {
			name, class = name+", ledger "+w.ledger, "own"
		}
		switch (cell{upstream: w.upstream, inFlight: w.inFlight}) {
		case cell{inFlight: 64}:
			fast = append(fast, bar{name, w.ratio[rate], class})
			used = append(used, bar{name, w.ratio[cpu], class})
		case cell{inFlight: 64, upstream: 50 * time.Millisecond}:
			slow = append(slow, bar{name, w.ratio[rate], class})
		}
	}
	for _, s := range r.started {
		class := "other"
		if s.subject == stdioName {
			class = "own"
		}
		starts = append(starts, bar{s.subject, s.ratio, class})
	}
	body, y := "", 24
	y = draw(&body, y, "Calls a second, 64 in flight, upstream at once (plain net/http client = 1)", fast)
	y = draw(&body, y, "The same, upstream after 50 ms", slow)
	y = draw(&body, y, "CPU time a call, 64 in flight (plain net/http client = 1; less is better)", used)
	y = draw(&body, y, "Start to tools/list (Go process with canned answers = 1; less is better)", starts)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 %d" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Calls a second, CPU time and start-up compared">
<style>
text { fill: #1f2328 } .own { fill: #0a7d5a } .other { fill: #8a94a0 } .note { font-size: 11px; opacity: .75 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .own { fill: #2fbf8f } .other { fill: #7d8590 } }
</style>
%s<text class="note" x="0" y="%d">%s Rate limit lifted.</text>
</svg>
`, y+16, body, y+4, html.EscapeString(r.machine))
}

// draw appends a title and bars from y on. It returns the y below them.
func draw(body *string, y int, title string, bars []bar) int {
	longest := 0.0
	for _, one := range bars {
		longest = max(longest, one.value)
	}
	*body += fmt.Sprintf("<text x=\"0\" y=\"%d\" font-weight=\"600\">%s</text>\n", y, title)
	for _, one := range bars {
		y += 26
		width := over(one.value, longest) * 410
		*body += fmt.Sprintf("<text x=\"0\" y=\"%d\">%s</text><rect class=\"%s\" x=\"250\" y=\"%d\" width=\"%.1f\" height=\"18\"/><text x=\"%.1f\" y=\"%d\">%.2f</text>\n",
			y, html.EscapeString(one.name), one.class, y-14, width, width+256, y, one.value)
	}
	return y + 40
}

// describeMachine says where the figures come from, without any name of a host. The directory is the ledger's.
func describeMachine(dir string) string {
	cpu, kernel, disk := runtime.GOARCH, runtime.GOOS, "an unknown file system"
	info, _ := os.ReadFile("/proc/cpuinfo") // only Linux has these files
	if _, rest, ok := strings.Cut(string(info), "model name"); ok {
		model, _, _ := strings.Cut(rest, "\n")
		cpu = strings.TrimLeft(model, "\t :")
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		number, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-") // the rest may name a provider
		kernel = "Linux " + number
	}
	if out, err := exec.Command("df", "--output=fstype", dir).Output(); err == nil {
		lines := strings.Fields(string(out))
		disk = lines[len(lines)-1]
	}
	return fmt.Sprintf("%s, %d cores, %s, %s, ledger on %s.", cpu, runtime.NumCPU(), runtime.Version(), kernel, disk)
}

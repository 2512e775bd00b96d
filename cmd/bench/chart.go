package main

import (
	"fmt"
	"strings"
	"time"
)

// A bar is one subject in a panel of the chart.
type bar struct {
	name  string
	value float64
	own   bool // this module's server
}

// A panel is one comparison.
type panel struct {
	title string
	bars  []bar
}

// Measures of the chart, in pixels; chosen.
const (
	chartWidth = 720
	labelWidth = 250
	barHeight  = 18
	barStep    = 26
)

// chart draws the main ratios. Its colours stand out on white and on black, and
// text takes the reader's.
func chart(r *Results) string {
	var body strings.Builder
	y := 24
	for _, p := range panels(r) {
		y = p.draw(&body, y)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Calls a second, CPU time and start-up compared">
<style>
text { fill: #1f2328 } .own { fill: #0a7d5a } .other { fill: #8a94a0 } .note { font-size: 11px; opacity: .75 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .own { fill: #2fbf8f } .other { fill: #7d8590 } }
</style>
%s<text class="note" x="0" y="%d">%s Rate limit lifted, ledger off where not named.</text>
</svg>
`, chartWidth, y+16, body.String(), y+4, escape(r.Machine.sentence()))
}

func panels(r *Results) []panel {
	rate := panel{title: "Calls a second, 64 in flight, upstream at once (plain net/http client = 1)"}
	slow := panel{title: "The same, upstream after 50 ms"}
	cpu := panel{title: "CPU time a call, 64 in flight (plain net/http client = 1; less is better)"}
	for _, w := range r.Rows {
		if w.InFlight != 64 {
			continue
		}
		name := w.Subject
		if w.Ledger != "" && w.Ledger != "off" {
			name += ", ledger on " + w.Ledger
		}
		own := w.Ledger != ""
		switch w.Upstream {
		case 0:
			rate.bars = append(rate.bars, bar{name, w.RateRatio, own})
			cpu.bars = append(cpu.bars, bar{name, w.CPURatio, own})
		case 50 * time.Millisecond:
			slow.bars = append(slow.bars, bar{name, w.RateRatio, own})
		}
	}
	startup := panel{title: "Start to tools/list (Go process with canned answers = 1; less is better)"}
	for _, s := range r.Startup {
		startup.bars = append(startup.bars, bar{s.Subject, s.CannedRatio, s.Subject == stdioName})
	}
	return []panel{rate, slow, cpu, startup}
}

// draw writes the panel and returns where the next one begins.
func (p panel) draw(b *strings.Builder, y int) int {
	longest := 0.0
	for _, one := range p.bars {
		longest = max(longest, one.value)
	}
	fmt.Fprintf(b, "<text x=\"0\" y=\"%d\" font-weight=\"600\">%s</text>\n", y, escape(p.title))
	y += 10
	for _, one := range p.bars {
		class := "other"
		if one.own {
			class = "own"
		}
		width := 0.0
		if longest > 0 {
			width = one.value / longest * (chartWidth - labelWidth - 60)
		}
		fmt.Fprintf(b, "<text x=\"0\" y=\"%d\">%s</text><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/><text x=\"%.1f\" y=\"%d\">%.2f</text>\n",
			y+14, escape(one.name), class, labelWidth, y, max(width, 1), barHeight, labelWidth+width+6, y+14, one.value)
		y += barStep
	}
	return y + 22
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace

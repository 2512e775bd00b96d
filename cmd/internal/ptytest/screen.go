// Package ptytest has terminals for tests.
package ptytest

import (
	"os"
	"strings"
	"sync"
)

// A Screen reads what programs write to a terminal.
type Screen struct {
	mu     sync.Mutex
	output strings.Builder
	ended  chan struct{}
}

// Watch reads from the side of a pseudo-terminal where its person is, until the terminal ends.
func Watch(screen *os.File) *Screen {
	s := &Screen{ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for piece := make([]byte, 4096); ; {
			n, err := screen.Read(piece)
			s.mu.Lock()
			s.output.Write(piece[:n])
			s.mu.Unlock()
			if err != nil { // no program has the terminal open any more
				return
			}
		}
	}()
	return s
}

// Wait returns when nothing more can come: all that had the terminal open have closed it.
func (s *Screen) Wait() { <-s.ended }

// Output is all that was written.
func (s *Screen) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// Shown is what is to be seen.
func (s *Screen) Shown() string { return Shown(s.Output()) }

// Shown is what a terminal shows of this output, which has no wide characters and no lines that are longer than the
// terminal's: \r goes to the begin of the line, and what stands there is written over.
func Shown(output string) string {
	lines := [][]rune{nil}
	column := 0
	for _, r := range output {
		line := &lines[len(lines)-1]
		switch {
		case r == '\n':
			lines, column = append(lines, nil), 0
			continue
		case r == '\r':
			column = 0
			continue
		case column == len(*line):
			*line = append(*line, r)
		default:
			(*line)[column] = r
		}
		column++
	}
	var text []string
	for _, line := range lines {
		text = append(text, strings.TrimRight(string(line), " "))
	}
	return strings.Join(text, "\n")
}

package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/logs"
)

const (
	// waitPatience is how long a call takes before the terminal says that it is under way.
	waitPatience = time.Second
	// waitBeat is how often that is shown anew.
	waitBeat = 200 * time.Millisecond
)

// progressToken names the call in the notifications of its progress.
const progressToken = "call"

// A waiting shows on a terminal that a call is under way, and how far it is.
type waiting struct {
	out      *logs.Writer
	columns  func() int // of the terminal; 0 while it belongs to somebody else
	about    atomic.Value
	stopping chan struct{}
	stopped  chan struct{}
}

// waitFor begins to wait for a tool. It is nil if stderr is no terminal, or one that knows no lines that are written over.
func (s program) waitFor(tool string) *waiting {
	terminal := s.err.File()
	if columnsOf(terminal) == 0 || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return newWaiting(s.err, tool, func() int {
		if inBackground(terminal) {
			return 0
		}
		return columnsOf(terminal)
	})
}

func newWaiting(out *logs.Writer, tool string, columns func() int) *waiting {
	w := &waiting{out: out, columns: columns, stopping: make(chan struct{}), stopped: make(chan struct{})}
	w.about.Store("Waiting for " + tool)
	go w.run()
	return w
}

// stop takes away what is shown; see logs.Writer.Flush.
func (w *waiting) stop() {
	close(w.stopping)
	<-w.stopped
}

func (w *waiting) run() {
	defer close(w.stopped)
	defer w.out.Status("", 0)
	begun := time.Now()
	for next, beats := waitPatience, 0; ; next, beats = waitBeat, beats+1 {
		select {
		case <-w.stopping:
			return
		case <-time.After(next):
		}
		text := ""
		if columns := w.columns(); columns >= 20 {
			text = fmt.Sprintf("%c %s", `|/-\`[beats%4], w.about.Load())
			text = cut(text, columns-10) + fmt.Sprintf(" %3ds", int(time.Since(begun).Seconds()))
		}
		w.out.Status(text, widthOf(text))
	}
}

// hear is for the client's notifications. Their numbers are for programs; the message says it to a person.
func (w *waiting) hear(notification mcp.JSONRPCNotification) {
	said := notification.Params.AdditionalFields
	message, _ := said["message"].(string)
	if notification.Method == string(mcp.MethodNotificationProgress) && said["progressToken"] == progressToken && message != "" {
		w.about.Store(oneLine(message))
	}
}

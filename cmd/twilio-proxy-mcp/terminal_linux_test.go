package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/cmd/internal/ptytest"
	"twilio-proxy-mcp/tools"
)

type shelf struct {
	Count  int    `json:"Count,omitempty"`
	Heavy  bool   `json:"Heavy,omitempty"`
	Label  string `json:"Label,omitempty"`
	Happen string `json:"Happen,omitempty" jsonschema:"enum=wait,enum=fail"`
}

type shelved struct {
	Label   *string  `json:"label"`
	Parcels []parcel `json:"parcels"`
	Heavy   bool     `json:"heavy"`
}

type parcel struct {
	ParcelSid string  `json:"ParcelSid"`
	Label     *string `json:"label"`
	Nothing   *string `json:"nothing"`
}

// A shelfTool lists parcels. It waits, if it is told to, until seen is closed, and says how far it is.
type shelfTool struct{ seen chan struct{} }

func (s shelfTool) sets() []toolSet {
	return []toolSet{{"find", false, func(a *app, _ *Common, all *tools.Tools) error {
		return tools.Add(all, tools.Definition[shelf, shelved]{
			Name: "list_parcels", Title: "List parcels", Description: "Lists parcels.", Effect: tools.ReadsLocal,
			Run: func(ctx context.Context, call *tools.Call, in shelf) (out shelved, err error) {
				switch in.Happen {
				case "fail":
					return out, &tools.Failure{Outcome: tools.Outcome{Code: tools.CodeRefused}, Happened: "It is " + in.Label, Next: "Stop."}
				case "wait":
					a.log.ErrorContext(ctx, "a line before")
					call.Progress(ctx, 3, 150, "Reading "+in.Label)
					<-s.seen
					a.log.ErrorContext(ctx, "a line after")
				}
				out.Heavy, out.Label, out.Parcels = in.Heavy, &in.Label, []parcel{}
				for n := range in.Count {
					out.Parcels = append(out.Parcels, parcel{ParcelSid: "PA" + strings.Repeat(string("abcdef"[n%6]), 32), Label: out.Label})
				}
				call.Note("It is " + in.Label)
				return out, nil
			},
		})
	}}}
}

// onTerminal runs call with this terminal as stderr, and as stdout if out is nil.
func onTerminal(t *testing.T, tool shelfTool, columns int, out io.Writer, arguments ...string) (shows *ptytest.Screen, status chan int) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	screen, terminal := ptytest.Open(t, columns)
	shows = ptytest.Watch(screen)
	if out == nil {
		out = terminal
	}
	status = make(chan int, 1)
	go func() {
		code := run(context.Background(), append([]string{"call", "--backend", "fake", "list_parcels"}, arguments...), program{strings.NewReader(""), out, logs.New(terminal), tool.sets()})
		terminal.Close()
		shows.Wait()
		status <- code
	}()
	return shows, status
}

func TestACallPrintsATableOnATerminal(t *testing.T) {
	for _, columns := range []int{0, 80} {
		shows, status := onTerminal(t, shelfTool{}, columns, nil, "Count=2", "Heavy=true", "Label="+strings.Repeat("books ", 7))
		require.Zero(t, <-status)
		require.Equal(t, "It is "+strings.TrimSpace(strings.Repeat("books ", 7))+`
label  `+strings.TrimSpace(strings.Repeat("books ", 7))+`
heavy  true

parcels (2)
ParcelSid                           label
PAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  books books books books books books books
PAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  books books books books books books books
`, shows.Shown())
	}
	for _, arguments := range [][]string{{"--json", "Count=1"}, {"Count=1", "--json"}, {"--json=true", `{"Count":1}`}, {"--json", ` {"Count": 1}`}} {
		shows, status := onTerminal(t, shelfTool{}, 80, nil, append(arguments, "--log-level=error")...)
		require.Zero(t, <-status, shows.Output())
		require.Contains(t, shows.Shown(), "{\n  \"label\": \"\",\n  \"parcels\": [\n    {\n      \"ParcelSid\": ", arguments)
	}
}

func TestWhatIsNoTerminalGetsJSON(t *testing.T) {
	for _, arguments := range [][]string{nil, {"--json"}, {"--json=false"}} {
		var out bytes.Buffer
		shows, status := onTerminal(t, shelfTool{}, 80, &out, append(arguments, "Label=a\u202eb")...)
		require.Zero(t, <-status)
		require.Equal(t, "{\n  \"label\": \"a\u202eb\",\n  \"parcels\": [],\n  \"heavy\": false\n}\n", out.String(), "as the tool wrote it")
		require.Equal(t, "It is a\\u202eb\n", shows.Shown())
	}
}

// What people wrote does not command the terminal, wherever it appears on it.
func TestATerminalObeysNoText(t *testing.T) {
	hostile := "a\x1b]0;owned\x07\x1b[2J\u009b1m\u202egnp\u2066\u200f\u2028\x7fz"
	encoded, err := json.Marshal(hostile)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		arguments []string
		code      int
	}{
		"table": {[]string{`{"Count":2,"Label":` + string(encoded) + `}`}, 0},
		"lines": {[]string{`{"Label":` + string(encoded) + `}`}, 0},
		"json":  {[]string{"--json", `{"Count":2,"Label":` + string(encoded) + `}`}, 0},
		"error": {[]string{`{"Happen":"fail","Label":` + string(encoded) + `}`}, 1},
		"wait":  {[]string{`{"Happen":"wait","Label":` + string(encoded) + `}`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tool := shelfTool{make(chan struct{})}
			shows, status := onTerminal(t, tool, 200, nil, c.arguments...)
			if name == "wait" {
				require.Eventually(t, func() bool { return strings.Contains(shows.Output(), "Reading a") }, 10*time.Second, time.Millisecond)
			}
			close(tool.seen)
			require.Equal(t, c.code, <-status, shows.Output())
			require.Contains(t, shows.Output(), `\u001b]0;owned\u0007\u001b[2J\u009b1m\u202egnp\u2066\u200f\u2028\u007fz`)
			for _, raw := range []string{"\x1b", "\x07", "\u009b", "\u202e", "\u2066", "\u200f", "\u2028", "\x7f"} {
				require.NotContains(t, shows.Output(), raw)
			}
		})
	}
}

// The line that shows a call under way stands below the log, and is gone when the call has ended.
func TestATerminalShowsHowFarACallIs(t *testing.T) {
	for name, out := range map[string]io.Writer{"all": nil, "stderr": &lockedBuffer{}} {
		t.Run(name, func(t *testing.T) {
			tool := shelfTool{make(chan struct{})}
			shows, status := onTerminal(t, tool, 80, out, "Happen=wait", "Label=sessions", "--json")
			require.Eventually(t, func() bool {
				lines := strings.Split(shows.Shown(), "\n")
				return len(lines) == 2 && strings.Contains(lines[0], "a line before") && strings.Contains(lines[1], " Reading sessions  ")
			}, 10*time.Second, time.Millisecond)
			close(tool.seen)
			require.Zero(t, <-status)
			lines := strings.SplitN(shows.Shown(), "\n", 4)
			require.Contains(t, lines[0], "a line before")
			require.Contains(t, lines[1], "a line after")
			require.Equal(t, "It is sessions", lines[2])
			want := "{\n  \"label\": \"sessions\",\n  \"parcels\": [],\n  \"heavy\": false\n}\n"
			if buffer, apart := out.(*lockedBuffer); apart {
				require.Equal(t, want, buffer.String())
				want = ""
			}
			require.Equal(t, want, lines[3])
		})
	}
}

// Who stops a tool that only reads is not told of a message.
func TestAStopOfAToolThatReads(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	tool, errs, status := shelfTool{make(chan struct{})}, &lockedBuffer{}, make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"call", "--backend=fake", "list_parcels", "Happen=wait"}, program{strings.NewReader(""), io.Discard, logs.New(errs), tool.sets()})
	}()
	says := func(words string) func() bool { return func() bool { return strings.Contains(errs.String(), words) } }
	require.Eventually(t, says("a line before"), 10*time.Second, time.Millisecond)
	stop()
	require.Eventually(t, says("Stopping. A second Ctrl-C ends this at once.\n"), 10*time.Second, time.Millisecond)
	close(tool.seen)
	require.NotContains(t, errs.String(), "message")
	<-status
}

// A dumb terminal cannot write over a line. Without one on stderr, nothing is shown, whatever stdout is.
func TestOnlyATerminalThatCanShowsHowFarACallIs(t *testing.T) {
	_, terminal := ptytest.Open(t, 80)
	onIt, elsewhere := logs.New(terminal), logs.New(&bytes.Buffer{})
	t.Cleanup(func() { onIt.Close(); elsewhere.Close() })
	for term, shows := range map[string]bool{"dumb": false, "xterm": true, "": true} {
		t.Setenv("TERM", term)
		w := program{out: terminal, err: onIt}.waitFor("list_parcels")
		require.Equal(t, shows, w != nil, term)
		if w != nil {
			w.stop()
		}
		require.Nil(t, program{out: terminal, err: elsewhere}.waitFor("list_parcels"))
	}
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer file.Close()
	require.Zero(t, columnsOf(file))
}

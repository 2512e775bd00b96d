package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httptrace"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
)

const framesVariable = "TWILIO_PROXY_MCP_TEST_FRAMES"

// From a line on stdin to the POST, a reader of the code passes ten functions of this module at the most. The runtime
// tells the stack at the transport's round trip, with that of the goroutine which started it, when it is asked to at the
// start of a process.
func TestAtMostTenFunctionsFromALineToThePost(t *testing.T) {
	if os.Getenv(framesVariable) != "" {
		printFrames(t)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), framesVariable+"=1", "GODEBUG=tracebackancestors=5")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	_, stack, found := strings.Cut(string(out), "STACK\n")
	require.True(t, found, string(out))
	var frames []string
	for _, frame := range regexp.MustCompile(`(?m)^twilio-proxy-mcp/(\S+)\(`).FindAllStringSubmatch(stack, -1) {
		if strings.HasPrefix(frame[1], "cmd/twilio-proxy-mcp.") {
			continue // the trace below
		}
		frames = append(frames, frame[1])
		if strings.HasSuffix(frame[1], ".read") { // it has the line
			break
		}
	}
	t.Log("\n" + strings.Join(frames, "\n"))
	require.Contains(t, frames[0], "twilio.(*Client)")
	require.Contains(t, frames[len(frames)-1], "serve.(*stdioConn).read")
	require.LessOrEqual(t, len(frames), 10)
}

func printFrames(t *testing.T) {
	stack := make([]byte, 1<<20)
	size := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(string) { size = runtime.Stack(stack, false) }})
	inR, inW, err := os.Pipe()
	require.NoError(t, err)
	outR, outW, err := os.Pipe()
	require.NoError(t, err)
	go func() {
		run(ctx, []string{"stdio", "--backend", "fake"}, program{inR, outW, logs.New(io.Discard), toolSets})
		outW.Close()
	}()
	_, err = fmt.Fprintf(inW, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send_message_interaction","arguments":`+
		`{"ServiceSid":"KS%[1]s","SessionSid":"KC%[1]s","ParticipantSid":"KP%[1]s","Body":"hello"}}}`+"\n", strings.Repeat("a", 32))
	require.NoError(t, err)
	answer, err := bufio.NewReader(outR).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, answer, `"code":"sent"`)
	inW.Close()
	fmt.Printf("STACK\n%s\n", stack[:size])
}

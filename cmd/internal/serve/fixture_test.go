package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if serve, ok := benchServers()[os.Getenv(benchServerVariable)]; ok { // this process is a benchmark's server
		must(serve(context.Background(), os.Stdin, os.Stdout))
		return
	}
	if os.Getenv(memoryServerVariable) != "" {
		must(serveForMemory())
		return
	}
	goleak.VerifyTestMain(m)
}

// cleanEnvironment is this process's without anything that is for the command.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TWILIO_") })
}

// fixture is an MCP server whose tools show how a call reached them.
type fixture struct {
	gate    chan struct{} // the tool wait returns when it is closed
	started chan string   // the name of each call to wait or stubborn
}

func newFixture() *fixture {
	return &fixture{gate: make(chan struct{}), started: make(chan string, 4096)}
}

func (f *fixture) mcp() *server.MCPServer {
	s := server.NewMCPServer("fixture", "1.2.3", server.WithTitle("A fixture"), server.WithElicitation(), server.WithInstructions("None."))
	for _, name := range []string{"echo", "wait", "stubborn", "panic"} {
		s.AddTool(mcp.NewTool(name), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			var arguments any // decoded and encoded, so that what mcp-go hands on is the same
			if r.Params.RawArguments != nil {
				must(json.Unmarshal(r.Params.RawArguments, &arguments))
			}
			return f.call(ctx, name, mustEncode(arguments)), nil
		})
	}
	s.AddTool(mcp.NewTool("ask"), askUser)
	s.AddTool(mcp.NewTool("notify"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("notified"), s.SendNotificationToClient(ctx, "notifications/fixture", map[string]any{"n": 1})
	})
	return s
}

// askUser asks in the way that the request's revision has.
func askUser(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	params := mcp.ElicitationParams{
		Message: "Really?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
	}
	answer := server.ElicitationResponse(r.Params.InputResponses, "confirm")
	if answer == nil && server.IsModernRequest(ctx) {
		return server.NewInputRequestBuilder("state").Elicit("confirm", params).ToolResult(), nil
	}
	if answer == nil {
		session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation)
		if !ok {
			return nil, server.ErrElicitationNotSupported
		}
		var err error
		if answer, err = session.RequestElicitation(ctx, mcp.ElicitationRequest{Params: params}); err != nil {
			return nil, err
		}
	}
	return mcp.NewToolResultText("the user said " + string(answer.Action)), nil
}

func (f *fixture) call(ctx context.Context, name string, arguments json.RawMessage) *mcp.CallToolResult {
	switch name {
	case "wait":
		f.started <- name
		select {
		case <-f.gate:
		case <-ctx.Done():
			return mcp.NewToolResultError("cancelled")
		}
	case "stubborn": // as a tool whose request is out
		f.started <- name
		<-f.gate
	case "panic":
		panic(errors.New("+15550100 in a panic"))
	}
	result := mcp.NewToolResultText(string(arguments))
	result.Meta = &mcp.Meta{AdditionalFields: map[string]any{"fixture/outcome": "ok"}}
	return result
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (f *fixture) server() *Server {
	return &Server{MCP: f.mcp(), Info: mcp.Implementation{Name: "fixture", Version: "1.2.3", Title: "A fixture"}}
}

// serverOf is a server whose tools are one handler under several names.
func serverOf(handle server.ToolHandlerFunc, names ...string) *Server {
	s := newFixture().mcp()
	for _, name := range names {
		s.AddTool(mcp.NewTool(name), handle)
	}
	return &Server{MCP: s}
}

// stdioClient is the other end of a server's pipes.
type stdioClient struct {
	t    *testing.T
	in   *os.File // the server's stdin
	out  *bufio.Reader
	outF *os.File
	stop context.CancelFunc
	done chan error
}

type stdioServe func(ctx context.Context, in io.Reader, out io.Writer) error

func startStdio(t *testing.T, serve stdioServe) *stdioClient {
	t.Helper()
	inR, inW, err := os.Pipe()
	require.NoError(t, err)
	outR, outW, err := os.Pipe()
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	c := &stdioClient{t: t, in: inW, out: bufio.NewReaderSize(outR, 1<<20), outF: outR, stop: stop, done: make(chan error, 1)}
	go func() {
		c.done <- serve(ctx, inR, outW)
		outW.Close()
	}()
	t.Cleanup(func() {
		stop()
		inW.Close()
		outR.Close()
		inR.Close()
	})
	return c
}

func (c *stdioClient) send(lines string) {
	c.t.Helper()
	_, err := io.WriteString(c.in, lines)
	require.NoError(c.t, err)
}

func (c *stdioClient) receive() string {
	c.t.Helper()
	require.NoError(c.t, c.outF.SetReadDeadline(time.Now().Add(time.Minute)))
	line, err := c.out.ReadString('\n')
	require.NoError(c.t, err)
	return line
}

// ended waits for the server and returns its error and what it still wrote.
func (c *stdioClient) ended() (rest string, err error) {
	c.t.Helper()
	require.NoError(c.t, c.outF.SetReadDeadline(time.Now().Add(time.Minute)))
	var all []byte
	var wait sync.WaitGroup
	wait.Go(func() { all, _ = io.ReadAll(c.out) })
	select {
	case err = <-c.done:
	case <-time.After(time.Minute):
		c.t.Fatal("the server does not end")
	}
	wait.Wait()
	return string(all), err
}

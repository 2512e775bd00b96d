package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

func TestStdioWaitsForCallsAfterTheEndOfInput(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	client.send(callLine(1, "wait"))
	<-f.started
	require.NoError(t, client.in.Close())
	close(f.gate)
	rest, err := client.ended()
	require.NoError(t, err)
	require.Equal(t, `{"n":1}`, readAnswer(t, rest).Result.Content[0].Text)
}

func TestStdioEndsAnElicitationThatNobodyCanAnswer(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}` + "\n")
	client.receive()
	client.send(callLine(2, "ask"))
	require.Contains(t, client.receive(), "elicitation/create")
	require.NoError(t, client.in.Close())
	rest, err := client.ended()
	require.NoError(t, err)
	require.Contains(t, readAnswer(t, rest).Error.Message, errClientGone.Error())
}

func TestStdioLetsCallsFinishWhenStopped(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	client.send(callLine(1, "stubborn"))
	<-f.started
	client.stop()
	close(f.gate)
	rest, err := client.ended()
	require.NoError(t, err)
	require.Equal(t, "1", string(readAnswer(t, rest).ID))
}

func TestStdioCancelsCallsAfterTheGracePeriod(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.Grace = 10 * time.Millisecond
	client := startStdio(t, s.Stdio)
	client.send(callLine(1, "wait"))
	<-f.started
	client.stop()
	rest, err := client.ended()
	require.NoError(t, err)
	require.True(t, readAnswer(t, rest).Result.IsError)
}

func TestStdioSaysWhatItLeftUnanswered(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.Grace = 10 * time.Millisecond
	client := startStdio(t, s.Stdio)
	client.send(callLine(1, "stubborn"))
	<-f.started
	client.stop()
	_, err := client.ended()
	require.ErrorContains(t, err, "calls were still in flight")
	close(f.gate)
}

func TestStdioLetsCallsFinishWhenOutputBreaks(t *testing.T) {
	f := newFixture()
	finished := make(chan struct{})
	s := serverOf(func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if r.Params.Name == "wait" {
			defer close(finished)
		}
		return f.call(ctx, r.Params.Name, nil), nil
	}, "wait", "echo")
	client := startStdio(t, s.Stdio)
	client.send(callLine(1, "wait"))
	<-f.started
	require.NoError(t, client.outF.Close())
	client.send(callLine(2, "echo")) // its answer cannot be written
	select {
	case <-client.done:
		t.Fatal("ended with a call in flight")
	case <-finished:
		t.Fatal("the call in flight was cancelled")
	case <-time.After(50 * time.Millisecond):
	}
	close(f.gate)
	<-finished
	require.ErrorContains(t, <-client.done, "write")
}

func TestStdioReportsAFailedRead(t *testing.T) {
	broken := errors.New("broken")
	in := io.MultiReader(strings.NewReader(callLine(1, "echo")), iotest.ErrReader(broken))
	var out bytes.Buffer
	require.ErrorIs(t, newFixture().server().Stdio(context.Background(), in, &out), broken)
	require.Equal(t, "1", string(readAnswer(t, out.String()).ID))
}

func TestStdioEndsSubscriptionsWithTheInput(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}` + "\n")
	require.Contains(t, client.receive(), "acknowledged")
	require.NoError(t, client.in.Close())
	rest, err := client.ended()
	require.NoError(t, err)
	require.Equal(t, "1", string(readAnswer(t, rest).ID))
}

package serve

import (
	"context"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

// argued is a call with an argument that is not its id.
func argued(id int, tool, n string) string {
	return strings.Replace(callLine(id, tool), `"arguments":{"n":1}`, `"arguments":{"n":`+n+`}`, 1)
}

const cancelOne = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}` + "\n"

func TestASecondRequestDoesNotTakeAnIDThatIsInFlight(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	client.send(argued(1, "wait", "10") + argued(1, "wait", "20"))
	<-f.started
	<-f.started
	client.send(cancelOne)
	require.True(t, readAnswer(t, client.receive()).Result.IsError)
	close(f.gate)
	require.Equal(t, `{"n":20}`, readAnswer(t, client.receive()).Result.Content[0].Text, "the first one was cancelled")
}

// When the second ends, the first can still be cancelled.
func TestAnEndedRequestDoesNotFreeTheIDOfTheFirst(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	client.send(argued(1, "wait", "10") + argued(1, "echo", "20"))
	<-f.started
	require.Equal(t, `{"n":20}`, readAnswer(t, client.receive()).Result.Content[0].Text)
	client.send(cancelOne)
	require.True(t, readAnswer(t, client.receive()).Result.IsError)
}

func TestAnEndedQuestionIsForgotten(t *testing.T) {
	asked := 0
	session := new(Server).newSession("any", func([]byte) error { asked++; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := session.RequestElicitation(ctx, mcp.ElicitationRequest{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, asked)
	require.Empty(t, session.questions)
}

// Nobody waits for it any more, and an answer to an answer would be under an id that is not the server's.
func TestALateAnswerIsDroppedInSilence(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(callLine(1, "ask"))
	require.Contains(t, client.receive(), `"question-1"`)
	client.send(cancelOne)
	require.Contains(t, readAnswer(t, client.receive()).Error.Message, context.Canceled.Error())
	for range 2 {
		client.send(`{"jsonrpc":"2.0","id":"question-1","result":{"action":"accept"}}` + "\n")
		client.send(`{"jsonrpc":"2.0","id":"question-1","error":{"code":-1,"message":"no"}}` + "\n")
	}
	require.NoError(t, client.in.Close())
	rest, err := client.ended()
	require.NoError(t, err)
	require.Empty(t, rest)
}

// The question does not go by its call's context, which the end of the stream ends as well.
func TestSSEAClientThatHangsUpEndsItsQuestion(t *testing.T) {
	ended := make(chan error, 1)
	s := serverOf(func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		session := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation)
		_, err := session.RequestElicitation(context.WithoutCancel(ctx), mcp.ElicitationRequest{})
		ended <- err
		return mcp.NewToolResultText(""), nil
	}, "ask")
	h := startHTTP(t, s, HTTP{})
	stream := h.openSSE()
	stream.send(callLine(1, "ask"))
	require.Contains(t, stream.receive(), "elicitation/create")
	stream.body.Close()
	require.ErrorIs(t, <-ended, errClientGone)
}

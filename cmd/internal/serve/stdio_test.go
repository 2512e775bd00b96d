package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func callLine(id int, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s","arguments":{"n":%d}}}`+"\n", id, tool, id)
}

type answer struct {
	ID     json.RawMessage
	Result *struct {
		IsError bool
		Content []struct{ Text string }
	}
	Error *struct {
		Code    int
		Message string
	}
}

func readAnswer(t *testing.T, line string) answer {
	t.Helper()
	var a answer
	require.NoError(t, json.Unmarshal([]byte(line), &a), "%s", line)
	return a
}

func TestStdioAnswersWhatItReadBeforeTheEnd(t *testing.T) {
	for _, in := range []string{callLine(1, "echo"), strings.TrimSpace(callLine(1, "echo"))} {
		var out bytes.Buffer
		require.NoError(t, newFixture().server().Stdio(context.Background(), strings.NewReader(in), &out))
		require.Equal(t, "1", string(readAnswer(t, out.String()).ID))
	}
}

func TestStdioLosesNoneOfAThousandCallsAtOnce(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	const calls = 1000
	for id := range calls {
		client.send(callLine(id, "wait"))
	}
	for range calls { // every one is running
		<-f.started
	}
	close(f.gate)
	for _, id := range receiveIDs(t, client, calls) {
		require.Equal(t, 1, id.times, "answers to %d", id.id)
	}
}

type seen struct{ id, times int }

// receiveIDs receives that many answers, each holding its own request's arguments, and counts them by id.
func receiveIDs(t *testing.T, client *stdioClient, count int) []seen {
	times := make([]seen, count)
	for range count {
		a := readAnswer(t, client.receive())
		require.NotNil(t, a.Result)
		require.Equal(t, `{"n":`+string(a.ID)+`}`, a.Result.Content[0].Text)
		var id int
		require.NoError(t, json.Unmarshal(a.ID, &id))
		times[id].id, times[id].times = id, times[id].times+1
	}
	return times
}

func TestStdioCallsPastTheBoundWaitAndPingsDoNot(t *testing.T) {
	f := newFixture()
	s := f.server()
	s.MaxInFlight = 4
	client := startStdio(t, s.Stdio)
	for id := range 400 {
		client.send(callLine(id, "wait"))
	}
	for range 4 {
		<-f.started
	}
	client.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}` + "\n")
	require.Equal(t, `"p"`, string(readAnswer(t, client.receive()).ID))
	require.Empty(t, f.started, "more calls than allowed at once")
	close(f.gate)
	require.Len(t, receiveIDs(t, client, 400), 400)
}

func TestStdioCancelsTheCallThatIsNamed(t *testing.T) {
	f := newFixture()
	client := startStdio(t, f.server().Stdio)
	// The cancellation is right behind its call, and another call stays.
	client.send(callLine(1, "wait") + callLine(2, "wait") +
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}` + "\n")
	a := readAnswer(t, client.receive())
	require.Equal(t, "1", string(a.ID))
	require.True(t, a.Result.IsError)
	close(f.gate)
	a = readAnswer(t, client.receive())
	require.Equal(t, "2", string(a.ID))
	require.False(t, a.Result.IsError)
}

func TestStdioSurvivesPanics(t *testing.T) {
	var log bytes.Buffer
	s := newFixture().server()
	s.Log = slog.New(slog.NewJSONHandler(&log, nil))
	client := startStdio(t, s.Stdio)
	client.send(callLine(1, "panic"))
	a := readAnswer(t, client.receive())
	require.Equal(t, -32603, a.Error.Code)
	require.NotContains(t, a.Error.Message, "+1555")
	client.send(callLine(2, "echo"))
	require.Equal(t, "2", string(readAnswer(t, client.receive()).ID))
	client.stop()
	_, err := client.ended()
	require.NoError(t, err)
	require.Contains(t, log.String(), "fixture_test.go", "where it happened")
	require.Contains(t, log.String(), `"jsonrpc_id":"1"`)
	require.NotContains(t, log.String(), "+1555")
}

func TestStdioSkipsLinesThatAreTooLong(t *testing.T) {
	padding := strings.Repeat("x", 10<<20)
	for _, c := range []struct{ line, id string }{
		{`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"Body":"` + padding + `"}}}`, "7"},
		{`{"method":"tools/call","params":{"name":"echo","arguments":{"id":8,"Body":"` + padding + `"}},"jsonrpc":"2.0","id":"nine"}`, "null"},
		{`{"method":"tools/call","params":{"Body":"` + padding + `","a":{"id":8}}}`, "null"},
		{`{"method":"tools/call","params":{"Body":"` + padding + `,\"id\":8}"}}`, "null"},
		{padding, "null"},
	} {
		client := startStdio(t, newFixture().server().Stdio)
		go client.send(c.line + "\n" + callLine(1, "echo"))
		a := readAnswer(t, client.receive())
		require.Equal(t, c.id, string(a.ID))
		require.Equal(t, -32600, a.Error.Code)
		require.Contains(t, a.Error.Message, "1048576")
		require.Equal(t, "1", string(readAnswer(t, client.receive()).ID))
	}
}

func TestStdioTakesALineOfExactlyTheBound(t *testing.T) {
	line := callLine(1, "echo")
	for extra, tooLong := range []bool{false, true} {
		s := newFixture().server()
		s.MaxMessage = len(line) - 1 - extra // the newline does not count
		var out bytes.Buffer
		require.NoError(t, s.Stdio(context.Background(), iotest.OneByteReader(strings.NewReader(line)), &out))
		a := readAnswer(t, out.String())
		require.Equal(t, "1", string(a.ID))
		require.Equal(t, tooLong, a.Error != nil)
	}
}

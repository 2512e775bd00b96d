package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

type in struct {
	Word string `json:"Word,omitempty"`
}

type out struct {
	Word   string   `json:"word"`
	Number float64  `json:"number"`
	Maybe  *float64 `json:"maybe"`
}

// A called is one tool, and what a call of it leaves behind.
type called struct {
	*Tools
	log      bytes.Buffer
	observed []Observation
	handle   server.ToolHandlerFunc
}

func offer(t *testing.T, effect Effect, run func(context.Context, *Call, in) (out, error)) *called {
	t.Helper()
	c := &called{}
	c.Tools = &Tools{Log: slog.New(slog.NewTextHandler(&c.log, nil)), Observe: func(o Observation) { c.observed = append(c.observed, o) }}
	require.NoError(t, Add(c.Tools, Definition[in, out]{Name: "test", Title: "Test", Effect: effect, Run: run}))
	s := server.NewMCPServer("test", "0")
	c.Register(s)
	c.handle = s.GetTool("test").Handler
	return c
}

func (c *called) call(t *testing.T, arguments string) (result *mcp.CallToolResult, o Outcome) {
	t.Helper()
	result, err := c.handle(t.Context(), mcp.CallToolRequest{Params: mcp.CallToolParams{Name: "test", RawArguments: json.RawMessage(arguments)}})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(result.Meta.AdditionalFields[MetaOutcome].(json.RawMessage), &o))
	return result, o
}

func text(result *mcp.CallToolResult, i int) string { return result.Content[i].(mcp.TextContent).Text }

func TestADefinitionIsChecked(t *testing.T) {
	run := func(context.Context, *Call, in) (out, error) { return out{}, nil }
	all := &Tools{}
	for _, d := range []Definition[in, out]{{}, {Name: "a", Run: run}, {Name: "a", Effect: Reads}, {Effect: Reads, Run: run}, {Name: "a", Effect: 9, Run: run}} {
		require.Error(t, Add(all, d))
	}
	require.NoError(t, Add(all, Definition[in, out]{Name: "a", Effect: Reads, Run: run}))
	require.ErrorContains(t, Add(all, Definition[in, out]{Name: "a", Effect: Texts, Run: run}), "two tools named a")
	require.Len(t, all.Definitions(), 1)
}

func TestTheEffectGivesTheAnnotations(t *testing.T) {
	for effect, want := range map[Effect][4]bool{Reads: {true, false, true, true}, ReadsLocal: {true, false, true, false}, Texts: {false, true, false, true}} {
		a := effect.annotations("Title")
		require.Equal(t, want, [4]bool{*a.ReadOnlyHint, *a.DestructiveHint, *a.IdempotentHint, *a.OpenWorldHint})
		require.Equal(t, "Title", a.Title)
	}
}

// What becomes of each way to end, for a tool that may send and for one that cannot: only the first speaks of sending.
func TestEveryEndIsAResult(t *testing.T) {
	for name, c := range map[string]struct {
		run         func(context.Context, *Call, in) (out, error)
		texts, read Outcome
		text        string
	}{
		"a value": {func(context.Context, *Call, in) (out, error) { return out{Word: "w"}, nil },
			Outcome{Code: CodeSent, Sent: SentYes}, Outcome{Code: CodeOK}, `{"word":"w","number":0,"maybe":null}`},
		"a failure": {func(context.Context, *Call, in) (out, error) {
			return out{}, &Failure{Outcome{Code: CodeTryLater, Sent: SentNo, RetryAfterSeconds: 3}, "It happened.", "Next."}
		}, Outcome{Code: CodeTryLater, Sent: SentNo, RetryAfterSeconds: 3}, Outcome{Code: CodeTryLater, RetryAfterSeconds: 3}, "It happened. Nothing was sent. Next."},
		"another error": {func(context.Context, *Call, in) (out, error) { return out{}, errors.New("a private word") },
			Outcome{Code: CodeInternal, Sent: SentUnknown}, Outcome{Code: CodeInternal}, "This server met an error it does not know. Whether the message was sent is unknown. " + NextByPerson},
		"a panic": {func(context.Context, *Call, in) (out, error) { panic("a private word") },
			Outcome{Code: CodeInternal, Sent: SentUnknown}, Outcome{Code: CodeInternal}, "This server failed on a fault of its own; its log says more. Whether the message was sent is unknown. " + NextByPerson},
		"no JSON": {func(context.Context, *Call, in) (out, error) { return out{Number: math.NaN()}, nil },
			Outcome{Code: CodeInternal, Sent: SentYes}, Outcome{Code: CodeInternal}, "The result could not be written as JSON. The message was sent. " + NextByPerson},
	} {
		t.Run(name, func(t *testing.T) {
			for effect, want := range map[Effect]Outcome{Texts: c.texts, Reads: c.read} {
				tool := offer(t, effect, c.run)
				result, got := tool.call(t, `{}`)
				require.Equal(t, want, got)
				require.Equal(t, name != "a value", result.IsError)
				require.Equal(t, !result.IsError, result.RawStructuredContent != nil)
				if effect == Texts {
					require.Equal(t, c.text, text(result, 0))
				} else {
					require.NotContains(t, text(result, 0), "sent")
				}
				require.NotContains(t, tool.log.String(), "private")
				require.Contains(t, tool.log.String(), "outcome="+string(got.Code))
				require.Equal(t, effect == Texts, bytes.Contains(tool.log.Bytes(), []byte("sent=")))
				require.Len(t, tool.observed, 1)
				require.Equal(t, got.Code, tool.observed[0].Code)
				require.Zero(t, tool.InFlight())
			}
		})
	}
}

// A panic before Run: nothing can have been sent.
func TestAPanicBeforeRun(t *testing.T) {
	tool := offer(t, Texts, func(context.Context, *Call, in) (out, error) { return out{}, nil })
	tool.Caller = func(context.Context) string { panic("a private word") }
	_, got := tool.call(t, `{}`)
	require.Equal(t, Outcome{Code: CodeInternal, Sent: SentNo}, got)
}

func TestWhatBreaksTheSchemaNeverReachesRun(t *testing.T) {
	tool := offer(t, Texts, func(context.Context, *Call, in) (out, error) { t.Error("reached"); return out{}, nil })
	for _, arguments := range []string{`{"Word":5}`, `{"Other":"x"}`, `[]`, `nonsense`, `{"Word":"a","Word":"b"}`} {
		result, got := tool.call(t, arguments)
		require.Equal(t, Outcome{Code: CodeInvalidArguments, Sent: SentNo}, got, arguments)
		require.Regexp(t, `(?s)^The arguments are not valid:\n- .*\nNothing was sent\. Correct the arguments and call again\.$`, text(result, 0))
	}
}

func TestRunAddsWhatItKnows(t *testing.T) {
	tool := offer(t, Texts, func(_ context.Context, call *Call, _ in) (out, error) {
		call.Outcome = Outcome{Code: CodeSent, Sent: SentYes, Replayed: true, Misfits: map[string]string{"a": "bad \xff"}}
		call.Lead("First.")
		call.Note("Last.")
		call.Log(slog.String("more", "words"))
		return out{Word: "bad \xff"}, nil
	})
	tool.Fake = true
	result, got := tool.call(t, ``)
	require.Equal(t, Outcome{Code: CodeSent, Sent: SentYes, Replayed: true, Backend: "fake", Misfits: map[string]string{"a": "bad \uFFFD"}}, got)
	require.Equal(t, []string{"First.", "{\"word\":\"bad \uFFFD\",\"number\":0,\"maybe\":null}", "Last.", fakeNote},
		[]string{text(result, 0), text(result, 1), text(result, 2), text(result, 3)})
	require.JSONEq(t, `{"word":"bad \uFFFD","number":0,"maybe":null,"notice":"First. Last. `+fakeNote+`"}`, string(result.RawStructuredContent))
	require.Contains(t, tool.log.String(), "replayed=true")
	require.Contains(t, tool.log.String(), "more=words")
}

// A tool that only reads may give up in time without knowing more.
func TestATimeoutOfAReadIsSaid(t *testing.T) {
	tool := offer(t, Reads, func(ctx context.Context, _ *Call, _ in) (out, error) {
		<-ctx.Done()
		return out{}, ctx.Err()
	})
	tool.Deadline = time.Millisecond
	_, got := tool.call(t, `{}`)
	require.Equal(t, Outcome{Code: CodeTryLater}, got)
}

func TestUnknownToolsAreObservedWithoutTheirName(t *testing.T) {
	tool := offer(t, Texts, nilRun)
	tool.Unknown(t.Context())
	require.Contains(t, tool.log.String(), "tool=(unknown) outcome=invalid_arguments sent=no")
	require.Equal(t, "(unknown)", tool.observed[0].Tool)
}

func nilRun(context.Context, *Call, in) (out, error) { return out{}, nil }

// A self-made result must not break the message that carries it.
type noObject struct{}

func (noObject) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func TestAResultThatIsNoObject(t *testing.T) {
	for _, fake := range []bool{false, true} {
		all, s := &Tools{Fake: fake}, server.NewMCPServer("test", "0")
		require.NoError(t, Add(all, Definition[in, noObject]{Name: "test", Effect: Texts, Run: func(context.Context, *Call, in) (noObject, error) { return noObject{}, nil }}))
		all.Register(s)
		result, err := s.GetTool("test").Handler(t.Context(), mcp.CallToolRequest{})
		require.NoError(t, err)
		require.True(t, result.IsError)
		require.Nil(t, result.RawStructuredContent)
		require.Equal(t, "The result could not be written as JSON. The message was sent. "+NextByPerson, text(result, 0))
	}
}

// The notice is one member more, whatever stands in it, and of an empty result the only one.
func TestTheNoticeIsAddedToAnyObject(t *testing.T) {
	for object, words := range map[string]string{`{}`: "a \"word\"\n\u2028 <&> \xff", `{"a":1}`: "word", `{"a":{}}`: "{"} {
		var with map[string]any
		require.NoError(t, json.Unmarshal(withNotice(json.RawMessage(object), words), &with))
		require.Equal(t, strings.ToValidUTF8(words, "\uFFFD"), with["notice"])
		delete(with, "notice")
		rest, err := json.Marshal(with)
		require.NoError(t, err)
		require.Equal(t, object, string(rest))
		require.Equal(t, object, string(withNotice(json.RawMessage(object), "")))
	}
}

// An operator must be able to tell a 404 from a 401 in the log.
func TestTheLogHasTwiliosStatusAndCode(t *testing.T) {
	tool := offer(t, Texts, func(context.Context, *Call, in) (out, error) {
		return out{}, &Failure{Outcome{Code: CodeRefused, Sent: SentNo, HTTPStatus: 404, TwilioCode: 20404}, "It happened.", "Next."}
	})
	tool.call(t, `{}`)
	require.Contains(t, tool.log.String(), "http_status=404 twilio_code=20404")
	tool.Unknown(t.Context())
	require.NotContains(t, tool.log.String(), "status=0")
	require.NotContains(t, tool.log.String(), "code=0")
}

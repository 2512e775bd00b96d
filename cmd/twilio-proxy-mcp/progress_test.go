package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
)

// countTools tells how far it has counted. What does not grow it tells in vain.
func countTools(_ *app, _ *Common, all *tools.Tools) error {
	type number struct {
		To int `json:"To"`
	}
	return tools.Add(all, tools.Definition[number, number]{
		Name: "count", Title: "Count", Description: "Counts.", Effect: tools.ReadsLocal,
		Run: func(ctx context.Context, call *tools.Call, in number) (number, error) {
			for n := range in.To {
				call.Progress(ctx, float64(n)+0.5, float64(in.To), "Counting.")
				for _, again := range []float64{float64(n) + 0.5, float64(n), -1, 0, math.NaN()} {
					call.Progress(ctx, again, 0, "Counting again.")
				}
			}
			return in, ctx.Err() // no call of Progress has waited for the deadline
		},
	})
}

// messagesOf are the messages of an answer over HTTP: one document, or one event each.
func messagesOf(body string) (messages []string) {
	if !strings.HasPrefix(body, "event: ") {
		return []string{body}
	}
	for event := range strings.SplitSeq(body, "\n\n") {
		_, data, _ := strings.Cut(event, "data: ")
		messages = append(messages, data)
	}
	return messages
}

// count calls with a progress token, or with none when it is "".
func (s *served) count(id, to int, revision, token string) {
	s.t.Helper()
	with := meta(revision, `{}`)
	if token != "" {
		with = strings.TrimSuffix(`{"progressToken":`+token+`,`+with[1:len(with)-1], ",") + `}`
	}
	s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"count","arguments":{"To":%d},"_meta":%s}}`, id, to, with))
}

var counting = []toolSet{{"find", false, countTools}}

// Who asks for progress hears of it, before the answer, under the token that was given, byte for byte. It grows.
func TestProgressIsToldOnEveryTransportAndRevision(t *testing.T) {
	onEachTransport(t, counting, func(t *testing.T, connect func() *served, _ bool) {
		for _, revision := range revisions {
			s := connect()
			s.initialize(revision, `{}`)
			for _, token := range []string{`"abc"`, `""`, `7`, `0`, `-1`, `9007199254740993`, `"\u003c\"é😀"`} {
				s.count(1, 3, revision, token)
				for _, progress := range []float64{0.5, 1.5, 2.5} {
					told := s.next()
					require.Equal(t, "notifications/progress", told["method"], "%s %s: %v", revision, token, told)
					require.NotContains(t, told, "id")
					params := told["params"].(map[string]any)
					var want any
					require.NoError(t, json.Unmarshal([]byte(token), &want))
					require.Equal(t, map[string]any{"progressToken": want, "progress": progress, "total": 3.0, "message": "Counting."}, params)
				}
				require.Equal(t, map[string]any{"To": 3.0}, s.result(1)["structuredContent"])
			}
			for _, none := range []string{"", "null", "true", "{}", "[]", `"` + strings.Repeat("x", 300) + `"`} {
				s.count(2, 3, revision, none)
				require.Equal(t, map[string]any{"To": 3.0}, s.result(2)["structuredContent"], "nothing is told: %s", none)
			}
		}
	})
}

// A large number is more than a float64 holds: the token comes back as it was written.
func TestAProgressTokenComesBackAsItWasWritten(t *testing.T) {
	s := serveHTTP(t, counting)
	body := s.post(s.url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count","arguments":{"To":1},"_meta":{"progressToken":9007199254740993}}}`, 200)
	require.Contains(t, body, `"progressToken":9007199254740993`)
}

// Nobody has to read what is told: the tool does not wait for that, and its answer comes all the same.
func TestProgressThatNobodyReadsIsLostAndTheAnswerIsNot(t *testing.T) {
	const many = 5000 // more than a pipe and a queue hold
	onEachTransport(t, counting, func(t *testing.T, connect func() *served, _ bool) {
		s := connect()
		s.initialize("2025-11-25", `{}`)
		s.count(1, many, "2025-11-25", `"t"`)
		s.logged("tool=count outcome=ok") // nothing has been read over stdio by now
		last := 0.0
		for {
			m := s.next()
			if m["method"] == nil {
				require.Equal(t, map[string]any{"To": float64(many)}, m["result"].(map[string]any)["structuredContent"])
				break
			}
			progress := m["params"].(map[string]any)["progress"].(float64)
			require.Greater(t, progress, last)
			last = progress
		}
		require.Positive(t, last)
	})
}

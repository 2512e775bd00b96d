package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
)

// oddState has what JSON, HTML and terminals treat in a special way.
const oddState = "sealed \x00\t\"\\/<&>\u2028é😀"

type order struct {
	Item string `json:"Item"`
}

type ordered struct {
	Answer string `json:"answer"`
	State  string `json:"state"`
	Item   string `json:"item"`
}

// orderTools asks before it orders.
func orderTools(_ *app, _ *Common, all *tools.Tools) error {
	return tools.Add(all, tools.Definition[order, ordered]{
		Name: "order", Title: "Order", Description: "Orders something.", Effect: tools.ReadsLocal,
		Run: func(ctx context.Context, call *tools.Call, in order) (ordered, error) {
			answer, err := call.Ask(ctx, tools.Question{ID: "ok", State: oddState, Params: mcp.ElicitationParams{
				Message: "Order " + in.Item + "?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
			}})
			if errors.Is(err, tools.ErrCannotAsk) {
				return ordered{Answer: "nobody", Item: in.Item}, nil
			}
			if err != nil {
				return ordered{}, err
			}
			return ordered{string(answer.Action), call.State, in.Item}, nil
		},
	})
}

const canElicit = `{"elicitation":{}}`

func structured(t *testing.T, result map[string]any) (o ordered) {
	t.Helper()
	encoded, err := json.Marshal(result["structuredContent"])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &o), result)
	return o
}

// laterRound is what a client sends with the call when it has asked.
func laterRound(state any, action string) string {
	encoded, _ := json.Marshal(state) // a string always encodes
	return `,"requestState":` + string(encoded) + `,"inputResponses":{"ok":{"action":"` + action + `","content":{}}}`
}

func TestAToolAsksAPerson(t *testing.T) {
	onEachTransport(t, []toolSet{{"send", true, orderTools}}, func(t *testing.T, connect func() *served, canAsk bool) {
		for _, revision := range revisions {
			for _, action := range []string{"accept", "decline", "cancel"} {
				s := connect()
				s.initialize(revision, canElicit)
				s.call(1, "order", `{"Item":"tea"}`, revision, canElicit, "")
				switch {
				case revision == modern:
					asked := s.result(1)
					require.Equal(t, "input_required", asked["resultType"])
					require.Equal(t, map[string]any{"code": "input_required"}, outcome(asked))
					question := asked["inputRequests"].(map[string]any)["ok"].(map[string]any)
					require.Equal(t, "elicitation/create", question["method"])
					require.Equal(t, "Order tea?", question["params"].(map[string]any)["message"])
					s.call(2, "order", `{"Item":"tea"}`, revision, canElicit, laterRound(asked["requestState"], action))
					require.Equal(t, ordered{action, oddState, "tea"}, structured(t, s.result(2)))
				case canAsk:
					question := s.next()
					require.Equal(t, "elicitation/create", question["method"])
					require.Equal(t, "Order tea?", question["params"].(map[string]any)["message"])
					id, err := json.Marshal(question["id"])
					require.NoError(t, err)
					s.send(`{"jsonrpc":"2.0","id":` + string(id) + `,"result":{"action":"` + action + `","content":{}}}`)
					require.Equal(t, ordered{Answer: action, Item: "tea"}, structured(t, s.result(1)))
				default:
					require.Equal(t, ordered{Answer: "nobody", Item: "tea"}, structured(t, s.result(1)))
				}
			}
		}
	})
}

// A capability counts when it is declared, and is an object: for an earlier revision in the handshake, for revision
// 2026-07-28 in the request itself.
func TestNobodyIsAskedWithoutTheCapability(t *testing.T) {
	onEachTransport(t, []toolSet{{"send", true, orderTools}}, func(t *testing.T, connect func() *served, _ bool) {
		for _, revision := range revisions {
			for _, capabilities := range []string{`{}`, `{"elicitation":null}`, `{"elicitation":true}`, `{"elicitation":"yes"}`, `{"elicitation":[]}`,
				`{"elicitation":{"url":{}}}`, `{"elicitation":{"form":7}}`, `{"Elicitation":{}}`, `{"sampling":{},"roots":{"listChanged":5}}`} {
				s := connect()
				s.initialize(revision, capabilities)
				s.call(1, "order", `{"Item":"tea"}`, revision, capabilities, "")
				require.Equal(t, ordered{Answer: "nobody", Item: "tea"}, structured(t, s.result(1)), "%s %s", revision, capabilities)
				if revision == modern { // an answer to a question that nobody may ask changes nothing
					s.call(2, "order", `{"Item":"tea"}`, revision, capabilities, laterRound(oddState, "accept"))
					require.Equal(t, "nobody", structured(t, s.result(2)).Answer, capabilities)
				}
			}
		}
	})
}

// Over one connection, the calls of both eras are in flight at once, each with capabilities of its own.
func TestCapabilitiesOfTwoCallsDoNotMix(t *testing.T) {
	onEachTransport(t, []toolSet{{"send", true, orderTools}}, func(t *testing.T, connect func() *served, canAsk bool) {
		s := connect()
		s.initialize("2025-11-25", canElicit)
		for range 20 {
			s.call(1, "order", `{"Item":"tea"}`, "2025-11-25", "", "") // asked for, and not answered yet
			var question map[string]any
			if canAsk {
				question = s.next()
				require.Equal(t, "elicitation/create", question["method"])
			} else {
				require.Equal(t, "nobody", structured(t, s.result(1)).Answer)
			}
			s.call(2, "order", `{"Item":"milk"}`, modern, `{}`, "")
			require.Equal(t, ordered{Answer: "nobody", Item: "milk"}, structured(t, s.result(2)))
			s.call(3, "order", `{"Item":"bread"}`, modern, canElicit, "")
			require.Equal(t, "input_required", s.result(3)["resultType"])
			s.send(`{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"_meta":` + meta(modern, `{}`) + `}}`)
			s.result(4)
			if canAsk {
				id, err := json.Marshal(question["id"])
				require.NoError(t, err)
				s.send(`{"jsonrpc":"2.0","id":` + string(id) + `,"result":{"action":"accept","content":{}}}`)
				require.Equal(t, "accept", structured(t, s.result(1)).Answer)
			}
		}
	})
}

// An answer that cannot be read, or can be read in two ways, is no answer, and the call does not hang.
func TestAnUnreadableAnswerIsNoAnswer(t *testing.T) {
	s := serveStdio(t, []toolSet{{"send", true, orderTools}})
	s.initialize("2025-11-25", canElicit)
	for _, answer := range []string{`{"action":"maybe"}`, `{}`, `{"action":5}`, `[]`, `"accept"`, `{"Action":"accept"}`} {
		s.call(1, "order", `{"Item":"tea"}`, modern, canElicit, `,"requestState":"s","inputResponses":{"ok":`+answer+`}`)
		got := s.result(1)
		require.Equal(t, "try_later", outcome(got)["code"], answer)
		require.Equal(t, "A person has to be asked first, and gave no answer. Tell the user.", texts(got))

		s.call(2, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
		s.send(`{"jsonrpc":"2.0","id":` + s.asked() + `,"result":` + answer + `}`)
		require.Equal(t, "try_later", outcome(s.result(2))["code"], answer)
	}
	const both = `{"action":"decline","action":"accept"}`
	s.call(2, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
	s.send(`{"jsonrpc":"2.0","id":` + s.asked() + `,"result":` + both + `}`)
	require.Equal(t, "try_later", outcome(s.result(2))["code"])
	for _, later := range []string{`,"inputResponses":5`, `,"inputResponses":[]`, `,"requestState":5`, `,"inputResponses":{"ok":` + both + `}`,
		`,"inputResponses":{"ok":{"action":"decline"},"ok":{"action":"accept"}}`} {
		s.call(1, "order", `{"Item":"tea"}`, modern, canElicit, later)
		refused := s.next()
		require.EqualValues(t, -32602, refused["error"].(map[string]any)["code"], later)
	}
}

// asked is the id of the question that comes next.
func (s *served) asked() string {
	s.t.Helper()
	question := s.next()
	require.Equal(s.t, "elicitation/create", question["method"], question)
	id, err := json.Marshal(question["id"])
	require.NoError(s.t, err)
	return string(id)
}

// A "no" with a "yes" beside it in another case stays a "no".
func TestANameInAnotherCaseIsNotTheProtocols(t *testing.T) {
	s := serveStdio(t, []toolSet{{"send", true, orderTools}})
	s.initialize("2025-11-25", canElicit)
	const answer = `{"action":"decline","ACTION":"accept"}`
	s.call(1, "order", `{"Item":"tea"}`, modern, canElicit, `,"inputResponses":{"ok":`+answer+`}`)
	require.Equal(t, "decline", structured(t, s.result(1)).Answer)
	s.call(2, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
	s.send(`{"jsonrpc":"2.0","id":` + s.asked() + `,"result":` + answer + `}`)
	require.Equal(t, "decline", structured(t, s.result(2)).Answer)
}

// A client's answer that is cut off, too long or refused ends the question at once, and nothing is answered under the id of
// the client's own call.
func TestABrokenAnswerEndsTheQuestion(t *testing.T) {
	s := serveStdio(t, []toolSet{{"send", true, orderTools}})
	s.initialize("2025-11-25", canElicit)
	for _, answer := range []string{`,"result":{"action":"acc`, `,"result":{"action":"accept","content":{"a":"` + strings.Repeat("x", 2<<20) + `"}}}`,
		`,"error":{"code":-1,"message":"no"}}`, `,"result":null}`, `}`} {
		s.call(1, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
		id := s.asked()
		require.NotEqual(t, "1", id)
		s.send(`{"jsonrpc":"2.0","id":` + id + answer)
		require.Equal(t, "try_later", outcome(s.result(1))["code"], answer[:min(20, len(answer))])
	}
}

// Only a handshake that took place declares anything, and the last one counts.
func TestARefusedHandshakeDeclaresNothing(t *testing.T) {
	s := serveStdio(t, []toolSet{{"send", true, orderTools}})
	s.send(`{"jsonrpc":"2.0","id":9,"method":"initialize","params":{"capabilities":{"elicitation":{}},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
	require.NotNil(t, s.next()["error"])
	s.send(`{"jsonrpc":"2.0","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}}}}`)
	s.call(1, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
	require.Equal(t, "nobody", structured(t, s.result(1)).Answer)
	s.initialize("2025-11-25", canElicit)
	s.initialize("2025-11-25", `{}`)
	s.call(2, "order", `{"Item":"tea"}`, "2025-11-25", "", "")
	require.Equal(t, "nobody", structured(t, s.result(2)).Answer)
}

// twiceTools asks a second question, which no client of revision 2026-07-28 could answer together with the first.
func twiceTools(_ *app, _ *Common, all *tools.Tools) error {
	return tools.Add(all, tools.Definition[order, ordered]{
		Name: "twice", Title: "Twice", Description: "Asks twice, about a text.", Effect: tools.Texts,
		Run: func(ctx context.Context, call *tools.Call, in order) (ordered, error) {
			for _, id := range []string{"ok", in.Item} {
				if _, err := call.Ask(ctx, tools.Question{ID: id, Params: mcp.ElicitationParams{Message: "?", RequestedSchema: map[string]any{"type": "object"}}}); err != nil {
					return ordered{}, err
				}
			}
			return ordered{Answer: "both"}, nil
		},
	})
}

func TestACallAsksOneQuestion(t *testing.T) {
	onEachTransport(t, []toolSet{{"send", true, twiceTools}}, func(t *testing.T, connect func() *served, _ bool) {
		s := connect()
		s.call(1, "twice", `{"Item":"another"}`, modern, canElicit, `,"inputResponses":{"ok":{"action":"accept"}}`)
		require.Equal(t, map[string]any{"code": "internal", "sent": "unknown", "backend": "fake"}, outcome(s.result(1)))
		s.call(2, "twice", `{"Item":"ok"}`, modern, canElicit, `,"inputResponses":{"ok":{"action":"accept"}}`)
		require.Equal(t, "both", structured(t, s.result(2)).Answer)
		// Before a text is sent, a question says that none was; nobody to ask says so, too.
		s.call(3, "twice", `{"Item":"ok"}`, modern, canElicit, "")
		require.Equal(t, map[string]any{"code": "input_required", "sent": "no", "backend": "fake"}, outcome(s.result(3)))
		s.call(4, "twice", `{"Item":"ok"}`, modern, `{}`, "")
		got := s.result(4)
		require.Equal(t, map[string]any{"code": "try_later", "sent": "no", "backend": "fake"}, outcome(got))
		require.Contains(t, texts(got), "A person has to be asked first, and gave no answer. Nothing was sent. Tell the user.\n")
	})
}

// What else a client declares does not matter: the call is answered here, and the question comes.
func TestOddCapabilitiesDoNotMatter(t *testing.T) {
	onEachTransport(t, []toolSet{{"send", true, orderTools}}, func(t *testing.T, connect func() *served, _ bool) {
		s := connect()
		for _, odd := range []string{`{"experimental":{"x":{"a":"\ud800"}},"elicitation":{}}`, `{"roots":7,"elicitation":{}}`, `{"sampling":{"context":5},"elicitation":{"form":{}}}`} {
			s.call(1, "order", `{"Item":"tea"}`, modern, odd, "")
			require.Equal(t, "input_required", s.result(1)["resultType"], odd)
		}
	})
}

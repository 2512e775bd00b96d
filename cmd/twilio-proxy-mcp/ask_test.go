package main

import (
	"context"
	"encoding/json"
	"errors"
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
	onEachTransport(t, []toolSet{orderTools}, func(t *testing.T, connect func() *served, canAsk bool) {
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
	onEachTransport(t, []toolSet{orderTools}, func(t *testing.T, connect func() *served, _ bool) {
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
	onEachTransport(t, []toolSet{orderTools}, func(t *testing.T, connect func() *served, canAsk bool) {
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

// An answer of the wrong shape is no answer, and the call does not hang.
func TestAnUnreadableAnswerIsAFault(t *testing.T) {
	s := serveStdio(t, []toolSet{orderTools})
	for _, answer := range []string{`{"action":"maybe"}`, `{}`, `{"action":5}`, `[]`, `"accept"`} {
		s.call(1, "order", `{"Item":"tea"}`, modern, canElicit, `,"requestState":"s","inputResponses":{"ok":`+answer+`}`)
		require.Equal(t, "internal", outcome(s.result(1))["code"], answer)
	}
	for _, later := range []string{`,"inputResponses":5`, `,"inputResponses":[]`, `,"requestState":5`} {
		s.call(1, "order", `{"Item":"tea"}`, modern, canElicit, later)
		refused := s.next()
		require.EqualValues(t, -32602, refused["error"].(map[string]any)["code"], later)
	}
}

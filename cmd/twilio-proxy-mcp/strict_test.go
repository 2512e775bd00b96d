package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// wholeCalls are arguments for each tool, with every optional one.
var wholeCalls = map[string]map[string]any{
	"send_message_interaction": {
		"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid,
		"Body": "hello", "MediaUrl": []any{"https://example.com/a.png"},
	},
	"find_participant": {"Service": "My Service", "Session": "order 1234", "Participant": "alice"},
	"get_interaction": {
		"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "InteractionSid": "KI" + fake.ServiceSid[2:], "WaitSeconds": 0,
	},
	"list_sessions": {"Service": "My Service", "Status": "open", "Limit": 20},
	"read_conversation": {
		"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid,
		"Since": "2026-01-31T12:00:00Z", "Limit": 20,
	},
}

// A strict host's model sends null for what it leaves out. That must be the same call as one without it, in every
// combination.
func TestNullIsTheSameCallAsAbsent(t *testing.T) {
	tools := publishedTools(t, everySet)
	t.Setenv("TWILIO_PROXY_MCP_TOOLS", strings.TrimPrefix(everySet, "--tools="))
	onEachTransport(t, toolSets, func(t *testing.T, connect func() *served, _ bool) {
		s := connect()
		s.initialize("2025-11-25", `{}`)
		for _, tool := range tools {
			whole, has := wholeCalls[tool.Name]
			require.True(t, has, "add a call of %s", tool.Name)
			strict := compileStrict(t, tool.Input)
			for _, left := range subsets(optional(tool.Input)) {
				absent, null := maps.Clone(whole), maps.Clone(whole)
				for _, name := range left {
					delete(absent, name)
					null[name] = nil
				}
				require.NoError(t, strict.Validate(anyJSON(t, null)), "what a strict model may send")
				require.Equal(t, len(left) > 0, strict.Validate(anyJSON(t, absent)) != nil, "and must")

				want, got := s.answer(t, tool.Name, absent), s.answer(t, tool.Name, null)
				require.Equal(t, want["isError"], got["isError"], "%s without %v: %v", tool.Name, left, got)
				require.Equal(t, outcome(want)["code"], outcome(got)["code"], left)
				if want["isError"] == true {
					require.Equal(t, texts(want), texts(got), left)
					continue
				}
				require.Equal(t, whatHappened(want), whatHappened(got), left)
			}
		}
	})
}

// Arguments that hosts add for themselves change nothing, and every other unknown one is refused.
func TestArgumentsOfHostsAreDropped(t *testing.T) {
	onEachTransport(t, toolSets, func(t *testing.T, connect func() *served, _ bool) {
		s := connect()
		s.initialize("2025-11-25", `{}`)
		with := func(more map[string]any) map[string]any {
			all := maps.Clone(wholeCalls["send_message_interaction"])
			maps.Copy(all, more)
			return s.answer(t, "send_message_interaction", all)
		}
		first := with(nil)
		require.Equal(t, "sent", outcome(first)["code"])
		for name, value := range map[string]any{"wait_for_previous": true, "task_progress": "- [x] a", "toolCallId": "call_1"} {
			got := with(map[string]any{name: value})
			require.Equal(t, true, outcome(got)["replayed"], "%s: it is the same message: %v", name, got)
			require.Equal(t, whatHappened(first), whatHappened(got), name)
		}
		got := with(map[string]any{"wait_for_previous": true, "wait_for_next": true})
		require.Equal(t, "invalid_arguments", outcome(got)["code"])
		require.Contains(t, texts(got), "wait_for_next: is no argument of this tool; valid are ServiceSid, SessionSid, ParticipantSid, Body, MediaUrl\n")
		require.NotContains(t, texts(got), "wait_for_previous")
	})
}

func (s *served) answer(t *testing.T, tool string, arguments map[string]any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(arguments)
	require.NoError(t, err)
	s.call(1, tool, string(encoded), "2025-11-25", `{}`, "")
	return s.result(1)
}

// whatHappened is the structured content without the words about this one call, and without what was sent: a receipt from
// the ledger has only the Body.
func whatHappened(result map[string]any) map[string]any {
	content := maps.Clone(result["structuredContent"].(map[string]any))
	delete(content, "notice")
	delete(content, "data")
	return content
}

func optional(schema map[string]any) (names []string) {
	required, _ := schema["required"].([]any)
	for name := range schema["properties"].(map[string]any) {
		if !slices.Contains(required, any(name)) {
			names = append(names, name)
		}
	}
	return names
}

// subsets are all combinations of some names, the empty one included.
func subsets(names []string) (all [][]string) {
	for bits := range 1 << len(names) {
		var some []string
		for i, name := range names {
			if bits&(1<<i) != 0 {
				some = append(some, name)
			}
		}
		all = append(all, some)
	}
	return all
}

func compileStrict(t *testing.T, schema map[string]any) *validator.Schema {
	t.Helper()
	compiler := validator.NewCompiler()
	require.NoError(t, compiler.AddResource("strict.json", nullable(schema)))
	compiled, err := compiler.Compile("strict.json")
	require.NoError(t, err)
	return compiled
}

func anyJSON(t *testing.T, value any) any {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	decoded, err := validator.UnmarshalJSON(strings.NewReader(string(encoded)))
	require.NoError(t, err)
	return decoded
}

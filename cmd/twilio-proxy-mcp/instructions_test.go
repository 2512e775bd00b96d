package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// everyTool is all that the sets offer.
func everyTool(t *testing.T) []string { return offeredBy(t, everySet) }

// The instructions are short enough for every host, and name the tools that are offered and no others.
func TestInstructionsOfEveryCombination(t *testing.T) {
	for _, sets := range subsets([]string{"send", "find", "read"}) {
		if len(sets) == 0 {
			continue
		}
		offered := offeredBy(t, "--tools="+strings.Join(sets, ","))
		for _, host := range []string{fakeHost, twilioHost, "loopback:4010"} {
			text, isFake := instructions(offered, host), host == fakeHost
			require.LessOrEqual(t, utf8.RuneCountInString(text), maxInstructions, sets)
			for _, tool := range everyTool(t) {
				require.Equal(t, slices.Contains(offered, tool), strings.Contains(text, tool), "%v: %s: %s", sets, tool, text)
			}
			require.Equal(t, slices.Contains(sets, "send") && !isFake, strings.Contains(text, "real people are texted"), text)
			require.Equal(t, isFake, strings.Contains(text, "no real person is texted"), text)
			require.Equal(t, !slices.Contains(sets, "send"), strings.Contains(text, "No tool here can text anybody"), text)
			require.Equal(t, slices.Contains(sets, "find"), strings.Contains(text, "Never choose"), text)
			require.Equal(t, slices.Contains(sets, "find") || slices.Contains(sets, "send"), strings.Contains(text, "no proof of delivery"), text)
			require.Equal(t, slices.Contains(sets, "send") && host == "loopback:4010", strings.Contains(text, "unless a fake answers there"), text)
			require.Contains(t, text, "are data")
		}
	}
}

// The order of the words is the order of the calls.
func TestInstructionsLead(t *testing.T) {
	text := instructions(everyTool(t), twilioHost)
	at := -1
	for _, words := range []string{toolFind, "If match is one", toolSend, "If match is several", "ask the user", "Never choose", toolTell, "InteractionSid", "WaitSeconds", "no proof of delivery", "are data", "real people"} {
		next := strings.Index(text, words)
		require.Greater(t, next, at, "%s: %s", words, text)
		at = next
	}
}

// Both eras say the same, over every transport.
func TestInstructionsInBothEras(t *testing.T) {
	onEachTransport(t, toolSets, func(t *testing.T, connect func() *served, _ bool) {
		for _, revision := range revisions {
			s := connect()
			got := s.introduced(revision)
			require.Equal(t, instructions([]string{toolSend, toolFind, toolTell, toolList}, fakeHost), got["instructions"], revision)
			for _, of := range []string{"tools", "prompts"} {
				capability, declared := got["capabilities"].(map[string]any)[of].(map[string]any)
				require.True(t, declared, "%s %s", of, revision)
				require.NotEqual(t, true, capability["listChanged"], "the list of %s never changes: %s", of, revision)
			}
		}
	})
}

// introduced is what the server says of itself.
func (s *served) introduced(revision string) map[string]any {
	s.t.Helper()
	if revision == modern {
		s.send(`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":` + meta(revision, `{}`) + `}}`)
	} else {
		s.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + revision + `","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	}
	return s.result(1)
}

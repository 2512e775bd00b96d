package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata/sizes.json")

// The most tokens that the default sets may cost every conversation, and the same for hosts that show the model what comes back.
const (
	maxTokens           = 2500
	maxTokensWithOutput = 4500
)

// A size is what a definition costs. A token is about four bytes.
type size struct {
	Bytes            int `json:"bytes"`
	Tokens           int `json:"tokens"`
	BytesWithOutput  int `json:"bytes_with_output_schema"`
	TokensWithOutput int `json:"tokens_with_output_schema"`
}

func sizeOf(bytes, output int) size {
	return size{bytes - output, (bytes - output + 3) / 4, bytes, (bytes + 3) / 4}
}

// listed measures the answer to tools/list as it is: all of it, and each tool.
func listed(t *testing.T, flags ...string) (all size, each map[string]size) {
	t.Helper()
	s := serveStdio(t, toolSets, flags...)
	s.initialize("2025-11-25", `{}`)
	s.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	var answer struct {
		Result struct{ Tools json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(s.line()), &answer))
	var tools []json.RawMessage
	require.NoError(t, json.Unmarshal(answer.Result.Tools, &tools))
	each, outputs := map[string]size{}, 0
	for _, raw := range tools {
		var tool struct {
			Name         string
			OutputSchema json.RawMessage
		}
		require.NoError(t, json.Unmarshal(raw, &tool))
		output := `,"outputSchema":` + string(tool.OutputSchema)
		require.Equal(t, 1, strings.Count(string(raw), output), tool.Name)
		each[tool.Name] = sizeOf(len(raw), len(output))
		outputs += len(output)
	}
	return sizeOf(len(answer.Result.Tools), outputs), each
}

// Every conversation pays for the definitions. They grow on purpose only, and the default sets have a bound.
func TestSizesOfTheDefinitions(t *testing.T) {
	inAll, _ := listed(t)
	every, each := listed(t, everySet)
	encoded, err := json.MarshalIndent(map[string]any{"default sets": inAll, "every set": every, "tools": each}, "", "  ")
	require.NoError(t, err)
	const golden = "testdata/sizes.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, append(encoded, '\n'), 0o644))
	}
	require.LessOrEqual(t, inAll.Tokens, maxTokens, "the default sets, without output schemas")
	require.LessOrEqual(t, inAll.TokensWithOutput, maxTokensWithOutput, "the default sets, with output schemas")
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(encoded)+"\n", "run go test ./cmd/twilio-proxy-mcp -run Sizes -update if that is meant")
}

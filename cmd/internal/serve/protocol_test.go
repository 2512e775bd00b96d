package serve

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// TestProtocol runs each conversation of testdata/protocol against mcp-go's own stdio server and ours. Both have to answer
// the same. Where ours differs on purpose, the file says so in the section "ours", and its heading gives the reason.
func TestProtocol(t *testing.T) {
	files, err := filepath.Glob("testdata/protocol/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		conversation := readConversation(t, file)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Run("mcp-go", func(t *testing.T) {
				own := server.NewStdioServer(newFixture().mcp())
				conversation.run(t, own.Listen, conversation["out"])
			})
			ours := conversation["out"]
			if section, ok := conversation["ours"]; ok {
				ours = section
			}
			t.Run("ours", func(t *testing.T) { conversation.run(t, newFixture().server().Stdio, ours) })
		})
	}
}

// conversation has what the client says in "in" and what it must hear in "out", in any order; a line "# wait" in
// "in" waits for one message before going on. ELICITATION stands for the id of the server's last request.
type conversation map[string]string

func readConversation(t *testing.T, file string) conversation {
	archive, err := txtar.ParseFile(file)
	require.NoError(t, err)
	c := conversation{}
	for _, f := range archive.Files {
		c[f.Name] = string(f.Data)
	}
	return c
}

func (c conversation) run(t *testing.T, serve stdioServe, want string) {
	client := startStdio(t, serve)
	var asked string
	expected := normalise(t, strings.Split(strings.TrimSpace(want), "\n"))
	var got []string
	for line := range strings.Lines(c["in"]) {
		if strings.HasPrefix(line, "# wait") {
			line := client.receive()
			var request struct {
				ID     json.RawMessage
				Method string
			}
			require.NoError(t, json.Unmarshal([]byte(line), &request))
			if request.Method != "" {
				asked = string(request.ID)
				line = strings.Replace(line, `"id":`+asked, `"id":"ELICITATION"`, 1)
			}
			got = append(got, line)
			continue
		}
		client.send(strings.Replace(line, `"ELICITATION"`, asked, 1))
	}
	for len(got) < len(expected) {
		got = append(got, client.receive())
	}
	require.NoError(t, client.in.Close())
	rest, err := client.ended()
	require.NoError(t, err)
	require.Empty(t, rest, "answers that nobody asked for")
	require.Equal(t, expected, normalise(t, got))
}

// normalise gives every message sorted keys, and sorts the messages.
func normalise(t *testing.T, lines []string) []string {
	var all []string
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var v any
		require.NoError(t, json.Unmarshal([]byte(line), &v), "%s", line)
		encoded, err := json.Marshal(v)
		require.NoError(t, err)
		all = append(all, string(encoded))
	}
	slices.Sort(all)
	return all
}

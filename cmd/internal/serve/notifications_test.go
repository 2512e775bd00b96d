package serve

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

const initializeLine = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`

// What a handler tells its client comes before the handler's answer, also when it was told last of all.
func TestNotificationsComeBeforeTheAnswer(t *testing.T) {
	const rounds = 500 // left to itself, mcp-go loses one of the first few over Streamable HTTP
	asks := map[string]func(id int) string{
		"notifications/fixture": func(id int) string { return callLine(id, "notify") },
		// The fixture has tools that change, but no prompts: there is nothing to listen to, so the answer comes at once.
		"notifications/subscriptions/acknowledged": func(id int) string {
			return `{"jsonrpc":"2.0","id":` + strconv.Itoa(id) +
				`,"method":"subscriptions/listen","params":{"notifications":{"promptsListChanged":true},` + modernMeta + `}}` + "\n"
		},
	}
	for method, line := range asks {
		inOrder := func(t *testing.T, id int, notification, answer string) {
			t.Helper()
			require.Contains(t, notification, method)
			require.Equal(t, strconv.Itoa(id), string(readAnswer(t, answer).ID))
		}
		t.Run("stdio/"+method, func(t *testing.T) {
			client := startStdio(t, newFixture().server().Stdio)
			client.send(initializeLine + "\n")
			client.receive()
			for id := range rounds {
				client.send(line(id))
				inOrder(t, id, client.receive(), client.receive())
			}
		})
		t.Run("sse/"+method, func(t *testing.T) {
			stream := startHTTP(t, newFixture().server(), HTTP{}).openSSE()
			stream.send(initializeLine)
			stream.receive()
			for id := range rounds {
				stream.send(line(id))
				inOrder(t, id, stream.receive(), stream.receive())
			}
		})
		t.Run("http/"+method, func(t *testing.T) {
			h := startHTTP(t, newFixture().server(), HTTP{})
			for id := range rounds {
				body := line(id)
				header := map[string]string{}
				if strings.Contains(body, modernMeta) {
					header = map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}
				}
				r, err := h.do(http.MethodPost, "/mcp", body, header)
				require.NoError(t, err)
				require.Equal(t, "text/event-stream", r.header.Get("Content-Type"))
				events := strings.Split(r.body, "\n\n")
				require.Len(t, events, 2, r.body)
				inOrder(t, id, events[0], strings.TrimPrefix(events[1], "event: message\ndata: "))
			}
		})
	}
}

// What is told too late is dropped or an event, and what goes wrong after something was told is an event as well.
func TestAnAnswerIsOneDocumentOrOneStream(t *testing.T) {
	f := newFixture()
	s := f.server()
	tell := func(ctx context.Context) error {
		return s.MCP.SendNotificationToClient(ctx, "notifications/fixture", nil)
	}
	s.MCP.AddTool(mcp.NewTool("late"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		go func() { _ = tell(ctx) }()
		return mcp.NewToolResultText("done"), nil
	})
	s.MCP.AddTool(mcp.NewTool("told"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		must(tell(ctx))
		panic("after that")
	})
	h := startHTTP(t, s, HTTP{})
	for id := range 500 {
		for _, tool := range []string{"late", "told"} {
			r := h.post("/mcp", callLine(id, tool))
			answers := []string{r.body}
			if r.header.Get("Content-Type") == typeEventStream {
				answers = slices.DeleteFunc(strings.Split(r.body, "\n\n"), func(e string) bool { return strings.Contains(e, "notifications/fixture") })
				require.Len(t, answers, 1, r.body)
				answers[0] = strings.TrimPrefix(answers[0], "event: message\ndata: ")
			}
			a := readAnswer(t, answers[0])
			require.Equal(t, strconv.Itoa(id), string(a.ID))
			require.Equal(t, tool == "told", a.Error != nil, r.body)
		}
	}
}

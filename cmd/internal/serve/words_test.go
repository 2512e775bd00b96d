package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

// innerWords are what no client may hear: a decoder's own words, names of Go types, and the encoding of a cursor.
var innerWords = regexp.MustCompile(`\bjson:|unmarshal|unparsable|invalid character|base64|\bGo (struct|value)\b|\bmcp\.|\bserver\.|map\[|float64|\bnil\b|interface *\{`)

// everyMethod is all that mcp-go can be asked for, and one that there is not.
var everyMethod = []mcp.MCPMethod{
	mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover, mcp.MethodSubscriptionsListen, mcp.MethodSetLogLevel,
	mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList, mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe,
	mcp.MethodPromptsList, mcp.MethodPromptsGet, mcp.MethodToolsList, mcp.MethodToolsCall, mcp.MethodCompletionComplete,
	mcp.MethodTasksGet, mcp.MethodTasksList, mcp.MethodTasksResult, mcp.MethodTasksCancel, "unheard/of",
}

// oddValues go into every member of params.
var oddValues = []string{`5`, `1e400`, `"x"`, `"%%%"`, `true`, `null`, `[]`, `[1]`, `{}`, `{"a":1}`, `"\ud800"`,
	`{"type":5}`, `{"type":"ref/prompt","name":5}`, `{"type":"ref/resource","uri":5}`, `{"type":"ref/else"}`, `{"name":5,"value":5}`,
	`{"arguments":5}`, `{"resourceSubscriptions":5}`, `{"toolsListChanged":"x"}`, `{"ttl":"x"}`, `{"progressToken":1e400}`, `{"traceparent":5}`}

// memberNames are those that some method reads.
var memberNames = []string{"cursor", "uri", "name", "arguments", "level", "ref", "argument", "context", "notifications", "taskId",
	"protocolVersion", "capabilities", "clientInfo", "task", "requestId", "inputResponses", "requestState", "_meta", "unheard"}

// odd is a request with params in which a member is odd and the others are as they should be.
type odd struct {
	method       mcp.MCPMethod
	member, text string
}

func oddParams(method mcp.MCPMethod, meta string) (all []odd) {
	add := func(member, params string) { all = append(all, odd{method, member, params}) }
	right := map[string]string{"_meta": meta}
	switch method {
	case mcp.MethodCompletionComplete:
		right["ref"], right["argument"] = `{"type":"ref/prompt","name":"p"}`, `{"name":"a","value":"b"}`
	case mcp.MethodToolsCall:
		right["name"] = `"echo"`
	case mcp.MethodPromptsGet:
		right["name"] = `"p"`
	case mcp.MethodInitialize:
		right["protocolVersion"] = `"2025-06-18"`
	}
	for _, params := range []string{`5`, `"x"`, `[]`, `null`, `{}`} {
		add("params", params)
	}
	for _, odd := range memberNames {
		for _, value := range oddValues {
			members := []string{`"` + odd + `":` + value}
			for name, value := range right {
				if name != odd && value != "" {
					members = append(members, `"`+name+`":`+value)
				}
			}
			add(odd, `{`+strings.Join(members, ",")+`}`)
		}
	}
	for _, key := range []string{mcp.MetaKeyClientCapabilities, mcp.MetaKeyClientInfo, mcp.MetaKeyLogLevel, mcp.MetaKeyProtocolVersion} {
		if meta == "" {
			break
		}
		for _, value := range append([]string{`{"elicitation":5}`, `{"sampling":"x"}`, `{"roots":[]}`, `{"experimental":5}`, `{"tasks":7}`, `{"extensions":1}`}, oddValues...) {
			add("_meta", `{"_meta":`+strings.TrimSuffix(strings.Replace(meta, `"`+key+`"`, `"other"`, 1), "}")+`,"`+key+`":`+value+`}}`)
		}
	}
	if meta != "" {
		add("_meta", `{"_meta":`+strings.TrimSuffix(meta, "}")+`,"other.example/number":1e400}}`)
	}
	return all
}

const modernMetaObject = `{"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/logLevel":"info","io.modelcontextprotocol/protocolVersion":"2026-07-28"}`

// everything is a server with something for each method.
func everything() *Server {
	s := server.NewMCPServer("fixture", "1.2.3", server.WithToolCapabilities(true), server.WithResourceCapabilities(true, true), server.WithPromptCapabilities(true),
		server.WithCompletions(), server.WithLogging(), server.WithElicitation(), server.WithRoots(), server.WithTaskCapabilities(true, true, true))
	s.EnableSampling()
	s.AddTool(mcp.NewTool("echo"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("echo"), nil
	})
	s.AddPrompt(mcp.NewPrompt("p"), func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return mcp.NewGetPromptResult("p", nil), nil
	})
	s.AddResource(mcp.NewResource("fixture://r", "r"), func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: "fixture://r", Text: "r"}}, nil
	})
	return &Server{MCP: s, Info: mcp.Implementation{Name: "fixture", Version: "1.2.3"}}
}

// oddRequests has every method with every odd params, with and without what revision 2026-07-28 requires; ids count up.
func oddRequests() (all []odd) {
	for _, meta := range []string{"", modernMetaObject} {
		for _, method := range everyMethod {
			for _, r := range oddParams(method, meta) {
				r.text = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, len(all), method, r.text)
				all = append(all, r)
			}
		}
	}
	return all
}

// requireOwnWords checks that an answer has no inner words, and that what cannot be read is refused with the name of a
// member. Most answers are alike but for their numbers.
func requireOwnWords(t *testing.T, seen map[string]bool, r odd, answer string) {
	t.Helper()
	kind := r.member + digits.ReplaceAllString(answer, "0")
	if seen[kind] {
		return
	}
	seen[kind] = true
	require.False(t, innerWords.MatchString(answer), "%s\n%s", r.text, answer)
	if strings.Contains(answer, "is missing, or not as") {
		require.Contains(t, answer, `"code":-32602`)
		require.Contains(t, answer, "nothing was done")
		if r.method != mcp.MethodCompletionComplete { // whose ref is read by itself
			require.Contains(t, answer, `params: \"`+r.member+`\"`, r.text)
		}
	}
}

var digits = regexp.MustCompile(`\d+`)

func TestNoAnswerOnStdioHasADecodersWords(t *testing.T) {
	requests := oddRequests()
	in, inW := io.Pipe()
	outR, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- everything().Stdio(t.Context(), in, out)
		out.Close()
	}()
	go func() {
		for _, r := range requests {
			_, _ = io.WriteString(inW, r.text+"\n")
		}
		inW.Close()
	}()
	answers := map[string]string{}
	lines := bufio.NewScanner(outR)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if a := readAnswer(t, lines.Text()); a.ID != nil {
			answers[string(a.ID)] = lines.Text()
		}
	}
	require.NoError(t, <-served)
	seen := map[string]bool{}
	for i, r := range requests {
		answer, ok := answers[fmt.Sprint(i)]
		require.True(t, ok || r.method == mcp.MethodSubscriptionsListen, r.text)
		requireOwnWords(t, seen, r, answer)
		if r.method == mcp.MethodInitialize && r.member != "params" && !strings.Contains(r.text, mcp.MetaKeyProtocolVersion) {
			require.Contains(t, answer, `"protocolVersion":"2025-`, r.text)
		}
	}
}

func TestNoAnswerOverHTTPHasADecodersWords(t *testing.T) {
	h := startHTTP(t, everything(), HTTP{})
	seen := map[string]bool{}
	for _, r := range oddRequests() {
		header := map[string]string{}
		if strings.Contains(r.text, mcp.MetaKeyProtocolVersion) {
			header = map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": string(r.method), "Mcp-Name": "echo"}
			if r.member == "unheard" {
				header["Mcp-Name"] = "=?base64?%?="
			}
		}
		requireOwnWords(t, seen, r, h.beginning(r.text, header))
		if r.member == "_meta" { // mcp-go words what is wrong with the headers
			requireOwnWords(t, seen, r, h.beginning(r.text, nil))
		}
	}
	for _, value := range oddValues { // an answer to a question that nobody asked, and what is no JSON-RPC
		for _, text := range []string{`{"jsonrpc":"2.0","id":1,"result":%s}`, `{"jsonrpc":"2.0","id":1,"error":%s}`, `{"jsonrpc":"2.0","id":%s,"error":{}}`,
			`{"jsonrpc":%s,"id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"method":%s}`, `{"jsonrpc":"2.0","method":"ping","params":%s}`, `%s`} {
			text = fmt.Sprintf(text, value)
			requireOwnWords(t, seen, odd{text: text}, h.beginning(text, map[string]string{"Mcp-Session-Id": "x"}))
		}
	}
}

// beginning posts to /mcp and returns the answer; of an event stream, the first event.
func (h *httpServer) beginning(body string, header map[string]string) string {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/mcp", strings.NewReader(body))
	require.NoError(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := h.client.Do(r)
	require.NoError(h.t, err)
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == typeEventStream {
		lines := bufio.NewScanner(response.Body)
		lines.Scan()
		lines.Scan()
		return lines.Text()
	}
	read, err := io.ReadAll(response.Body)
	require.NoError(h.t, err)
	return string(read)
}

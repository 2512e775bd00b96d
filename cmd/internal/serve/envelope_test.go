package serve

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEachTransport gives a test the means to send one message and have its answer, over stdio, SSE and /mcp.
func onEachTransport(t *testing.T, s func() *Server, test func(t *testing.T, ask func(message string) answer)) {
	t.Run("stdio", func(t *testing.T) {
		client := startStdio(t, s().Stdio)
		test(t, func(message string) answer {
			client.send(message + "\n")
			return readAnswer(t, client.receive())
		})
	})
	t.Run("sse", func(t *testing.T) {
		stream := startHTTP(t, s(), HTTP{}).openSSE()
		test(t, func(message string) answer {
			stream.send(message)
			return readAnswer(t, stream.receive())
		})
	})
	t.Run("mcp", func(t *testing.T) {
		h := startHTTP(t, s(), HTTP{})
		test(t, func(message string) answer {
			r := h.post("/mcp", message)
			a := readAnswer(t, r.body)
			if a.Error != nil {
				require.Equal(t, http.StatusBadRequest, r.status)
			}
			return a
		})
	})
}

// refusals are messages that nobody may act on, with the id and the code they are answered with.
var refusals = map[string]struct {
	message, id string
	code        int
}{
	"arguments in two cases":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn","arguments":{"Body":"inspected"},"ARGUMENTS":{"Body":"smuggled"}}}`, "1", -32600},
	"arguments twice":            {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn","arguments":{},"arguments":{"Body":"smuggled"}}}`, "1", -32600},
	"arguments escaped":          {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn","arguments":{},"\u0061rguments":{"Body":"smuggled"}}}`, "1", -32600},
	"arguments in another case":  {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn","ARGUMENTS":{"Body":"smuggled"}}}`, "1", -32600},
	"params with a long s":       {`{"jsonrpc":"2.0","id":1,"method":"tools/call","param` + "\u017f" + `":{"name":"stubborn"}}`, "1", -32600},
	"params twice":               {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{},"params":{"name":"stubborn"}}`, "1", -32600},
	"a method in another case":   {`{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"stubborn"}}`, "1", -32600},
	"an id in two cases":         {`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"stubborn"},"ID":6}`, "5", -32600},
	"an id in another case":      {`{"jsonrpc":"2.0","ID":6,"method":"tools/call","params":{"name":"stubborn"}}`, "null", -32600},
	"an id twice":                {`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"stubborn"},"id":6}`, "null", -32600},
	"the id behind the problem":  {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x","name":"stubborn"},"id":"last"}`, `"last"`, -32600},
	"an unknown name twice":      {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"a","cursor":"b"}}`, "1", -32600},
	"an unknown in two cases":    {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"a","Cursor":"b"}}`, "1", -32600},
	"an unknown with a long s":   {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"a","cur\u017for":"b"}}`, "1", -32600},
	"an unknown in Kelvin":       {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"k":"a","\u212a":"b"}}`, "1", -32600},
	"an unknown with a sigma":    {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"\u03c3":"a","\u03c2":"b"}}`, "1", -32600},
	"a notification":             {`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"requestId":2}}`, "null", -32600},
	"a task's arguments twice":   {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn","task":{},"arguments":{},"arguments":{}}}`, "1", -32600},
	"a method that is no string": {`{"jsonrpc":"2.0","id":"d","method":5}`, `"d"`, -32600},
	"a version that is none":     {`{"jsonrpc":2,"id":"d","method":"ping"}`, `"d"`, -32600},
	"a name that is no string":   {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":5}}`, `"d"`, -32602},
	"a task that is no object":   {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"stubborn","task":5}}`, `"d"`, -32602},
	"a task's ttl in words":      {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"stubborn","task":{"ttl":"long"}}}`, `"d"`, -32602},
	"params that are a list":     {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":["stubborn"]}`, `"d"`, -32602},
	"_meta that is a list":       {`{"jsonrpc":"2.0","id":"d","method":"tools/list","params":{"_meta":[]}}`, `"d"`, -32602},
	"deep, the id first":         {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"stubborn","arguments":` + deep(10_001) + `}}`, `"d"`, -32700},
	"deep, the id last":          {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"stubborn","arguments":` + deep(10_001) + `},"id":"d"}`, "null", -32700},
	"cut off":                    {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"stubborn","arguments":{}`, `"d"`, -32700},
	"cut off, the id last":       {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"stubborn","arguments":{}},"id":"d"`, `"d"`, -32700},
	"cut off in an inner id":     {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"stubborn","arguments":{"id":5}`, "null", -32700},
	"deep, cut off at an id":     {`{"jsonrpc":"2.0","method":"tools/call","params":{"a":` + deep(10_001) + `,"b":{"id":5}`, "null", -32700},
	"an id that is a boolean":    {`{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{"name":"stubborn"}}`, "null", -32600},
	"an id that is a list":       {`{"jsonrpc":"2.0","id":[1],"method":"tools/call","params":{"name":"stubborn"}}`, "null", -32600},
	"an id that is too long":     {`{"jsonrpc":"2.0","id":"` + strings.Repeat("d", 255) + `","method":"tools/call","params":{"name":"stubborn"}}`, "null", -32600},
	"an id that is not UTF-8":    {`{"jsonrpc":"2.0","id":"` + "\xff" + `","method":"tools/call","params":{"name":"stubborn"}}`, "null", -32600},
	"an id with a leading zero":  {`{"jsonrpc":"2.0","id":01,"method":"tools/call","params":{"name":"stubborn"}}`, "null", -32700},
	"a method that is too long":  {`{"jsonrpc":"2.0","id":"d","method":"` + strings.Repeat("m", 257) + `"}`, `"d"`, -32600},
	"a name that is too long":    {`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"` + strings.Repeat("n", 257) + `"}}`, `"d"`, -32602},
	"neither method nor answer":  {`{"jsonrpc":"2.0","id":3}`, "3", -32600},
	"nothing but a version":      {`{"jsonrpc":"2.0"}`, "null", -32600},
	"two in one":                 {`{"jsonrpc":"2.0","id":7,"method":"ping"}{"jsonrpc":"2.0","id":8,"method":"ping"}`, "7", -32700},
	"a batch":                    {`[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubborn"}}]`, "null", -32600},
	"a string":                   {`"text"`, "null", -32600},
	"no JSON":                    {`nonsense`, "null", -32700},
}

func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestAmbiguousAndMalformedMessagesAreRefusedUnderTheirID(t *testing.T) {
	f := newFixture()
	close(f.gate)
	onEachTransport(t, f.server, func(t *testing.T, ask func(string) answer) {
		for name, c := range refusals {
			a := ask(c.message)
			require.NotNil(t, a.Error, name)
			require.Equal(t, c.code, a.Error.Code, name)
			require.Equal(t, c.id, string(a.ID), name)
			require.Contains(t, a.Error.Message, "nothing was done", name)
			require.NotContains(t, a.Error.Message, "Go ", name)
			require.Empty(t, f.started, name)
		}
	})
}

// mcp-go reads numbers as float64, and would answer under another id.
func TestIDsComeBackAsTheyCame(t *testing.T) {
	onEachTransport(t, newFixture().server, func(t *testing.T, ask func(string) answer) {
		for _, id := range []string{
			"9007199254740993", "-1763996551376123456", "12345678901234567890", "1e400", "1.0",
			`"\u0061"`, `"` + strings.Repeat("d", 254) + `"`,
		} {
			a := ask(`{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"echo"}}`)
			require.Nil(t, a.Error, id)
			require.Equal(t, id, string(a.ID))
		}
		a := ask(`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"}`)
		require.Nil(t, a.Error)
		require.Equal(t, "9007199254740993", string(a.ID))
	})
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"no/such/method"}` + "\n")
	a := readAnswer(t, client.receive())
	require.Equal(t, -32601, a.Error.Code)
	require.Equal(t, "9007199254740993", string(a.ID))
}

func TestACancellationFindsALongID(t *testing.T) {
	client := startStdio(t, newFixture().server().Stdio)
	client.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"wait"}}` + "\n")
	client.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}` + "\n")
	require.Equal(t, "9007199254740993", string(readAnswer(t, client.receive()).ID))
}

func TestBatchesAreRefusedInSoManyWords(t *testing.T) {
	onEachTransport(t, newFixture().server, func(t *testing.T, ask func(string) answer) {
		require.Contains(t, ask(`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`).Error.Message, "batches are not supported")
	})
}

// No handler sees a _meta that is no object, or in which a name stands twice: which of two keys would count?
func TestAMalformedMetaIsRefused(t *testing.T) {
	f := newFixture()
	onEachTransport(t, f.server, func(t *testing.T, ask func(string) answer) {
		for meta, problem := range map[string]string{
			`[]`: `"_meta" must be an object`, `"x"`: `"_meta" must be an object`, `5`: `"_meta" must be an object`,
			`{"twilio-proxy-mcp/idempotency-key":"a","twilio-proxy-mcp/idempotency-key":"b"}`: `"_meta" has one name twice`,
		} {
			for _, tool := range []string{"stubborn", "nobody"} {
				a := ask(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","_meta":` + meta + `}}`)
				require.Equal(t, -32602, a.Error.Code, meta)
				require.Contains(t, a.Error.Message, problem)
				require.Contains(t, a.Error.Message, "nothing was done")
			}
		}
		require.Empty(t, f.started)
	})
}

func TestArgumentsNestedThousandsDeepReachTheirTool(t *testing.T) {
	arguments := deep(9_990)
	onEachTransport(t, newFixture().server, func(t *testing.T, ask func(string) answer) {
		a := ask(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":` + arguments + `}}`)
		require.Equal(t, arguments, a.Result.Content[0].Text)
	})
}

func TestAnAmbiguousAnswerEndsOurRequest(t *testing.T) {
	stream := startHTTP(t, newFixture().server(), HTTP{}).openSSE()
	stream.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}`)
	stream.receive()
	stream.send(callLine(2, "ask"))
	var asked struct{ ID json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(stream.receive()), &asked))
	stream.send(`{"jsonrpc":"2.0","id":` + string(asked.ID) + `,"result":{"action":"decline"},"RESULT":{"action":"accept"}}`)
	a := readAnswer(t, stream.receive())
	require.Equal(t, "2", string(a.ID))
	require.Contains(t, a.Error.Message, "differs only by case")
}

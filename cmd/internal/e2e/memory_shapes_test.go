package e2e

import (
	"fmt"
	"strings"

	"twilio-proxy-mcp/twilio/fake"
)

// A shape is one message near the size limit that somebody may send.
type shape struct {
	name, method string
	size         int // bytes
	before       string
	piece        string // repeated; %d in it is another number each time
	after        string
}

// message is the shape's text, as a revision with a handshake or as one without has it.
func (s shape) message(modern bool) string {
	before := s.before
	if modern && !strings.Contains(before, "_meta") {
		before = strings.Replace(before, `"params":{`, `"params":{`+modernMeta+`,`, 1)
	}
	var b strings.Builder
	b.Grow(s.size)
	b.WriteString(before)
	numbered := strings.Contains(s.piece, "%d")
	for i := 0; b.Len()+len(s.piece)+len(s.after)+8 < s.size; i++ {
		if numbered {
			fmt.Fprintf(&b, s.piece, i)
		} else {
			b.WriteString(s.piece)
		}
	}
	b.WriteString(s.after)
	return b.String()
}

// isAnswered says whether the answer to the shape has its id.
func (s shape) isAnswered() bool {
	return s.method != "" && strings.Contains(s.before, `"id":`+idOfShape)
}

const (
	idOfShape = "1000000007"

	aMebibyte = 1 << 20

	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}}`
	envelope   = `{"jsonrpc":"2.0","id":` + idOfShape + `,"method":`
	callOfTool = envelope + `"tools/call","params":{"name":"send_message_interaction",`
	sidsOfFake = `"ServiceSid":"` + fake.ServiceSid + `","SessionSid":"` + fake.SessionSid + `","ParticipantSid":"` + fake.ParticipantSid + `"`
	callBefore = callOfTool + `"arguments":{` + sidsOfFake
)

// withArguments is a shape of a call of the tool with more arguments than it needs.
func withArguments(name, before, piece, after string) shape {
	return shape{name, "tools/call", aMebibyte, callBefore + before, piece, after + "}}}"}
}

// request is a shape of a request's params.
func request(name, method, before, piece, after string) shape {
	return shape{name, method, aMebibyte, envelope + `"` + method + `","params":{` + before, piece, after + "}}"}
}

// shapes are of arrays, objects, nesting, numbers, strings, duplicate names and escapes, in every place of a message.
var shapes = []shape{
	withArguments("numbers", `,"MediaUrl":[0`, `,0`, `]`),
	withArguments("names", ``, `,"n%d":0`, ``),
	withArguments("decimals", `,"MediaUrl":[1.5e3`, `,-1.5e3`, `]`),
	withArguments("booleans", `,"MediaUrl":[true`, `,true`, `]`),
	withArguments("nulls", `,"MediaUrl":[null`, `,null`, `]`),
	withArguments("texts", `,"MediaUrl":[""`, `,""`, `]`),
	withArguments("URLs", `,"MediaUrl":["http://a"`, `,"http://a"`, `]`),
	withArguments("lists", `,"MediaUrl":[[]`, `,[]`, `]`),
	withArguments("objects", `,"MediaUrl":[{}`, `,{}`, `]`),
	withArguments("nested lists", `,"MediaUrl":[0`, `,[[[[[]]]]]`, `]`),
	withArguments("nested objects", `,"Body":[0`, `,{"":{"":{"":{}}}}`, `]`),
	withArguments("long names", ``, `,"`+strings.Repeat("n", 100)+`%d":0`, ``),
	withArguments("a name", `,"`, `n`, `":0`),
	withArguments("a text", `,"Body":"`, `x`, `"`),
	withArguments("escapes", `,"Body":"`, `\u00e9`, `"`),
	withArguments("surrogates", `,"Body":"`, `\ud83d\ude00`, `"`),
	withArguments("line breaks", `,"Body":"`, `\n`, `"`),
	withArguments("invalid UTF-8", `,"Body":"`, "\xff", `"`),
	withArguments("digits", `,"Body":1`, `0`, ``),
	withArguments("a name twice", `,"":0`, `,"":0`, ``),
	withArguments("a host's list", `,"Body":"a host's list","toolCallId":[0`, `,0`, `]`),
	withArguments("a host's object", `,"Body":"a host's object","toolCallId":{"":0`, `,"%d":0`, `}`),
	withArguments("spaces", `,"Body":"spaces"`, ` `, ``),
	{"objects for a SID", "tools/call", aMebibyte, callOfTool + `"arguments":{"ServiceSid":[{"":0}`, `,{"":0}`, `]}}}`},
	{"a SID", "tools/call", aMebibyte, callOfTool + `"arguments":{"ServiceSid":"`, `K`, `"}}}`},
	{"nesting", "tools/call", aMebibyte, callOfTool + `"arguments":{"Body":`, `[`, ``},
	{"arguments that are a list", "tools/call", aMebibyte, callOfTool + `"arguments":[0`, `,0`, `]}}`},
	request("no such tool", "tools/call", `"name":"x","arguments":{"a":[0`, `,0`, `]}`),
	{"names in _meta", "tools/call", aMebibyte, callOfTool + `"_meta":{"":0`, `,"%d":0`, `}}}`},
	{"a list in _meta", "tools/call", aMebibyte, callOfTool + `"_meta":{"a":[0`, `,0`, `]}}}`},
	{"capabilities", "tools/call", aMebibyte, callOfTool + `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientCapabilities":{"experimental":{"a":{"a":[0`, `,0`, `]}}}}}}`},
	{"names in params", "tools/call", aMebibyte, callOfTool + `"arguments":{}`, `,"%d":0`, `}}`},
	{"answers", "tools/call", aMebibyte, callOfTool + `"inputResponses":{"":{}`, `,"%d":{}`, `}}}`},
	{"a state", "tools/call", aMebibyte, callOfTool + `"requestState":"`, `\u0000`, `"}}`},
	{"names in a message", "tools/list", aMebibyte, envelope + `"tools/list"`, `,"%d":0`, `}`},
	request("capabilities of a session", "initialize", `"protocolVersion":"2025-11-25","clientInfo":{},"capabilities":{"":{}`, `,"%d":{}`, `}`),
	request("a client", "initialize", `"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":[0`, `,0`, `]}`),
	request("a list's numbers", "tools/list", `"x":[0`, `,0`, `]`),
	request("a cursor", "tools/list", `"cursor":"`, `x`, `"`),
	request("a ping", "ping", `"x":[{}`, `,{}`, `]`),
	request("an unknown method", "no/such", `"x":[[]`, `,[]`, `]`),
	request("a resource", "resources/read", `"uri":"`, `x`, `"`),
	request("a subscription", "subscriptions/listen", `"notifications":{"resourceSubscriptions":["a"`, `,"a"`, `]}`),
	{"a notification", "notifications/progress", aMebibyte, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":[0`, `,0`, `]}}`},
	{"a cancellation", "notifications/cancelled", aMebibyte, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8,"reason":"`, `x`, `"}}`},
	{"a response", "", aMebibyte, `{"jsonrpc":"2.0","id":` + idOfShape + `,"result":[0`, `,0`, `]}`},
	{"an error", "", aMebibyte, `{"jsonrpc":"2.0","id":` + idOfShape + `,"error":{"code":1,"message":"`, `x`, `"}}`},
	{"a batch", "", aMebibyte, `[0`, `,0`, `]`},
	{"no JSON", "", aMebibyte, ``, `x`, ``},
	{"a method", "m", aMebibyte, envelope + `"`, `m`, `"}`},
	{"an id", "ping", aMebibyte, `{"jsonrpc":"2.0","method":"ping","id":"`, `i`, `"}`},
	{"64 KiB of arguments", "tools/call", 64 << 10, callBefore + `,"MediaUrl":[0`, `,0`, `]}}}`},
	{"64 KiB of a list's params", "tools/list", 64 << 10, envelope + `"tools/list","params":{"x":["`, `x`, `"]}}`},
}

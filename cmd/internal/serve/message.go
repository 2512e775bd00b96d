package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// message is a JSON-RPC message whose envelope has been read.
type message struct {
	raw []byte

	JSONRPC string
	ID      json.RawMessage
	Method  mcp.MCPMethod
	Result  json.RawMessage
	Error   json.RawMessage
	Params  struct {
		raw            json.RawMessage
		Name           string
		Arguments      json.RawMessage
		Meta           json.RawMessage
		Task           json.RawMessage
		InputResponses json.RawMessage
		RequestState   json.RawMessage
		RequestID      json.RawMessage // of notifications/cancelled
		Capabilities   json.RawMessage // of initialize
		Version        json.RawMessage // of initialize: protocolVersion

		requestState string // RequestState
	}
	meta requestMeta
}

// hasID tells a request from a notification as mcp-go does: a null id is none.
func (m *message) hasID() bool { return len(m.ID) > 0 && string(m.ID) != "null" }

// isResponse says whether the client answers a request of ours.
func (m *message) isResponse() bool {
	return m.Method == "" && m.hasID() && (m.Result != nil || m.Error != nil)
}

// answersAtOnce says whether the message takes no time: it is answered where it was read, which keeps the handshake in
// order and pings prompt.
func (m *message) answersAtOnce() bool {
	return !m.hasID() || m.Method == mcp.MethodInitialize || m.Method == mcp.MethodPing
}

// maxID is in bytes, of an id and of a name. Answers repeat them, and an id is kept while its request runs.
const maxID = 256

// validID says whether an id is a string or a number (JSON-RPC 2.0, "Request object") that can be repeated as it came.
func validID(id []byte) bool {
	return len(id) <= maxID && (id[0] == '"' || jsontext.Value(id).Kind() == '0') && utf8.Valid(id)
}

// requestID is the id as it came, for mcp-go's answer. mcp-go reads numbers as float64: it answers 9007199254740993 under
// 9007199254740992.
func (m *message) requestID() mcp.RequestId { return mcp.NewRequestId(m.ID) }

// goField finds the member of params in what encoding/json says of one. An embedded Go struct begins with a capital.
var goField = regexp.MustCompile(`params\.(?:[A-Z]\w*\.)*(\w+)`)

// reword replaces what mcp-go v1.2.1 says when it cannot read params: its decoders' words, with names of Go types. It can
// go when mcp-go itself answers with -32602 and the member's name.
func (m *message) reword(e *mcp.JSONRPCErrorDetails) {
	member := "params"
	switch {
	case m.Method == mcp.MethodPromptsGet && e.Code == mcp.INTERNAL_ERROR: // what a prompt says of its arguments (MCP, "Prompts")
		e.Code = mcp.INVALID_PARAMS
		return
	case e.Code == mcp.INVALID_PARAMS && strings.HasPrefix(e.Message, "illegal base64"):
		member = "cursor"
	case !strings.HasPrefix(e.Message, "unparsable "):
		return
	case goField.MatchString(e.Message):
		member = goField.FindStringSubmatch(e.Message)[1]
	case m.Method == mcp.MethodCompletionComplete:
		member = "ref"
	}
	e.Code, e.Message = mcp.INVALID_PARAMS, m.misread(member)
}

func (m *message) misread(member string) string {
	return fmt.Sprintf("params: %q is missing, or not as %s takes it; nothing was done", member, m.Method)
}

// lenient reads what others wrote as mcp-go does.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// forMCPGo is the message as mcp-go gets it. A tools/call whose _meta it has to refuse becomes a ping, which it refuses with
// the same words: it must not call a tool that is called here. Of capabilities that it would refuse for one odd member, it
// gets those that are declared. A message that is too much for it has a refusal, which is nil for a notification.
func (m *message) forMCPGo() (raw, refusal []byte) {
	meta, method, params := &m.meta, m.Method, map[string]json.RawMessage{}
	switch {
	case m.Method == mcp.MethodToolsCall && !meta.clear && meta.wrong != guard.TooMuch:
		method, params["_meta"] = mcp.MethodPing, m.Params.Meta
	case guard.Heavy(m.raw) && !m.hasID():
		return nil, nil
	case guard.Heavy(m.raw):
		return nil, errorAnswer(m.ID, mcp.INVALID_REQUEST, "the message "+guard.TooMuch+
			", which is taken only in a call of a tool that is here, with the right headers; nothing was done")
	case meta.protocol == nil || json.Unmarshal(meta.fields.AdditionalFields[mcp.MetaKeyClientCapabilities].(json.RawMessage), new(mcp.ClientCapabilities)) == nil:
		return m.raw, nil
	default:
		_ = jsonv2.Unmarshal(m.Params.raw, &params, lenient) // it has been read
		fields := maps.Clone(meta.fields.AdditionalFields)
		fields[mcp.MetaKeyClientCapabilities] = meta.protocol.ClientCapabilities
		params["_meta"] = mustEncode(fields)
	}
	return mustEncode(map[string]any{"jsonrpc": m.JSONRPC, "id": m.ID, "method": method, "params": params}), nil
}

// initialize is the request with nothing in it that mcp-go does not need. mcp-go decodes all of it, and the handshake
// would fail on an odd member; see session.declare for the capabilities. A version that is no string gets the latest
// revision that has a handshake. Of _meta, mcp-go needs what makes it refuse an initialize of a revision without one.
func (m *message) initialize() []byte {
	params := map[string]any{"protocolVersion": mcp.LATEST_LEGACY_PROTOCOL_VERSION, "capabilities": struct{}{}, "clientInfo": struct{}{}}
	if version := m.Params.Version; version != nil && version[0] == '"' {
		params["protocolVersion"] = version
	}
	if meta := m.meta; meta.wrong == "" && (meta.protocol != nil || !meta.clear) {
		params["_meta"] = m.Params.Meta
	}
	return mustEncode(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "id": m.ID, "method": mcp.MethodInitialize, "params": params})
}

// requestMeta is what this package reads of a request's _meta.
type requestMeta struct {
	fields      *mcp.Meta                   // all of it, the values as raw JSON; nil without _meta
	protocol    *server.RequestProtocolInfo // nil for revisions before 2026-07-28
	traceparent string
	wrong       string // why it cannot be read
	// clear is false when it cannot be read, and when mcp-go has to refuse the request: the version is unknown, or what
	// revision 2026-07-28 requires is missing or malformed.
	clear bool
}

func (meta *requestMeta) read(raw json.RawMessage) (clear bool) {
	if raw == nil || raw[0] == 'n' {
		return true
	}
	var fields map[string]jsontext.Value
	switch {
	case raw[0] != '{':
		meta.wrong = "must be an object" // mcp-go would speak of its Go types
	case guard.Heavy(raw):
		meta.wrong = guard.TooMuch
	case jsonv2.Unmarshal(raw, &fields, jsontext.AllowInvalidUTF8(true)) != nil:
		meta.wrong = "has one name twice"
	}
	if meta.wrong != "" {
		return false
	}
	meta.fields = &mcp.Meta{AdditionalFields: make(map[string]any, len(fields))}
	for name, value := range fields {
		meta.fields.AdditionalFields[name] = json.RawMessage(value)
	}
	if token := fields["progressToken"]; token != nil && validID(token) { // as it came, which a float64 may not hold
		meta.fields.ProgressToken = json.RawMessage(token)
	}
	_ = json.Unmarshal(fields["traceparent"], &meta.traceparent) // anything but a string is no trace
	info := &server.RequestProtocolInfo{Modern: true}
	if json.Unmarshal(fields[mcp.MetaKeyProtocolVersion], &info.ProtocolVersion) != nil || !mcp.IsModernProtocol(info.ProtocolVersion) {
		return true // an earlier revision, which has no version here
	}
	info.ClientCapabilities = readCapabilities(json.RawMessage(fields[mcp.MetaKeyClientCapabilities]))
	if info.ClientCapabilities == nil || !mcp.IsValidProtocolVersion(info.ProtocolVersion) {
		return false
	}
	if json.Unmarshal(fields[mcp.MetaKeyClientInfo], &info.ClientInfo) != nil {
		info.ClientInfo = nil
	}
	_ = json.Unmarshal(fields[mcp.MetaKeyLogLevel], &info.LogLevel)
	meta.protocol = info
	return true
}

// readCapabilities reads what a client declares. A capability that is not an object of the expected shape is not
// declared. It is nil when the capabilities are no object, or too much.
func readCapabilities(raw json.RawMessage) *mcp.ClientCapabilities {
	var each map[string]jsontext.Value
	if guard.Heavy(raw) || jsonv2.Unmarshal(raw, &each, lenient) != nil || each == nil {
		return nil
	}
	declared := &mcp.ClientCapabilities{}
	for name, value := range each {
		one := *declared
		if value[0] == '{' && jsonv2.Unmarshal(mustEncode(map[string]any{name: json.RawMessage(value)}), &one, lenient) == nil {
			*declared = one
		}
	}
	return declared
}

// errorAnswer is a JSON-RPC error in bytes; a nil id is written as null.
func errorAnswer(id json.RawMessage, code int, text string) []byte {
	return mustEncode(mcp.NewJSONRPCError(mcp.NewRequestId(id), code, text, nil)) // id is from JSON; the rest are strings
}

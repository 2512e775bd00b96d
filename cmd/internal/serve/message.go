package serve

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// message is a JSON-RPC message whose envelope has been decoded.
type message struct {
	raw []byte

	JSONRPC string
	ID      json.RawMessage
	Method  mcp.MCPMethod
	Result  json.RawMessage
	Error   json.RawMessage
	Params  struct {
		Name           string
		Arguments      json.RawMessage
		Meta           json.RawMessage
		Task           json.RawMessage
		InputResponses json.RawMessage
		RequestState   json.RawMessage
		RequestID      json.RawMessage // of notifications/cancelled
	}
}

// hasID tells a request from a notification the way mcp-go does: a null id is none.
func (m *message) hasID() bool { return len(m.ID) > 0 && string(m.ID) != "null" }

// isResponse says whether the client answers a request of ours.
func (m *message) isResponse() bool {
	return m.Method == "" && m.hasID() && (m.Result != nil || m.Error != nil)
}

// plainCall says whether the message is a tools/call with nothing unusual about it: no task, no answers to
// earlier questions, an id that can be repeated as it came.
func (m *message) plainCall() bool {
	p := &m.Params
	return m.Method == mcp.MethodToolsCall && m.JSONRPC == mcp.JSONRPC_VERSION &&
		m.Result == nil && m.Error == nil && plainID(m.ID) &&
		p.Task == nil && p.InputResponses == nil && p.RequestState == nil
}

// plainID says whether an id is a short integer or a string without escapes: those have one spelling, so that
// their bytes can serve as a key and as the answer's id.
func plainID(id []byte) bool {
	if len(id) == 0 || len(id) > 256 {
		return false
	}
	if id[0] == '"' {
		for _, c := range id {
			if c == '\\' {
				return false
			}
		}
		return utf8.Valid(id)
	}
	digits := id
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 || digits[0] == '0' && len(id) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// metaIsMalformed says whether _meta is neither an object nor null. Server.Call words that as its tool's result.
func (m *message) metaIsMalformed() bool {
	meta := m.Params.Meta
	return meta != nil && meta[0] != '{' && meta[0] != 'n'
}

// metaRefusal answers a request that Server.Call did not take, where mcp-go would speak of its Go types; nil when
// there is nothing to refuse.
func (m *message) metaRefusal() []byte {
	if !m.metaIsMalformed() || !m.hasID() {
		return nil
	}
	return errorAnswer(m.ID, mcp.INVALID_PARAMS, `params: "_meta" must be an object; nothing was done`)
}

// requestMeta is what this package reads of a request's _meta.
type requestMeta struct {
	protocol    *server.RequestProtocolInfo // nil for revisions before 2026-07-28
	traceparent string
}

// readMeta reads a request's _meta; false when it needs mcp-go's judgement: another revision's version, or one
// of the fields that revision 2026-07-28 requires missing or malformed.
func (m *message) readMeta() (meta requestMeta, clear bool) {
	if m.Params.Meta == nil || m.metaIsMalformed() {
		return meta, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(m.Params.Meta, &fields) != nil {
		return meta, false
	}
	if raw, ok := fields["traceparent"]; ok {
		_ = json.Unmarshal(raw, &meta.traceparent) // anything but a string is no trace
	}
	rawVersion, ok := fields[mcp.MetaKeyProtocolVersion]
	if !ok {
		return meta, true
	}
	info := &server.RequestProtocolInfo{Modern: true}
	if json.Unmarshal(rawVersion, &info.ProtocolVersion) != nil ||
		!mcp.IsModernProtocol(info.ProtocolVersion) || !mcp.IsValidProtocolVersion(info.ProtocolVersion) {
		return meta, false
	}
	if json.Unmarshal(fields[mcp.MetaKeyClientCapabilities], &info.ClientCapabilities) != nil || info.ClientCapabilities == nil {
		return meta, false
	}
	if raw, ok := fields[mcp.MetaKeyClientInfo]; ok && json.Unmarshal(raw, &info.ClientInfo) != nil {
		info.ClientInfo = nil // mcp-go takes a malformed one for none, too
	}
	if raw, ok := fields[mcp.MetaKeyLogLevel]; ok && json.Unmarshal(raw, &info.LogLevel) != nil {
		info.LogLevel = ""
	}
	meta.protocol = info
	return meta, true
}

// errorAnswer is a JSON-RPC error in bytes; a nil id is written as null.
func errorAnswer(id json.RawMessage, code int, text string) []byte {
	answer := mcp.JSONRPCError{
		JSONRPC: mcp.JSONRPC_VERSION,
		ID:      mcp.NewRequestId(id),
		Error:   mcp.NewJSONRPCErrorDetails(code, text, nil),
	}
	if id == nil {
		answer.ID = mcp.NewRequestId(nil)
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		panic(err) // the id was decoded from JSON, and the rest are strings
	}
	return encoded
}

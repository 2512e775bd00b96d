package serve

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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
// earlier questions.
func (m *message) plainCall() bool {
	p := &m.Params
	return m.Method == mcp.MethodToolsCall && m.JSONRPC == mcp.JSONRPC_VERSION &&
		m.Result == nil && m.Error == nil && m.hasID() &&
		p.Task == nil && p.InputResponses == nil && p.RequestState == nil
}

// maxID is in bytes, of an id and of a name; chosen: answers repeat them, and an id is kept while the request runs.
const maxID = 256

// validID says whether an id is a string or a number (JSON-RPC 2.0, "Request object") that can be repeated as it came.
func validID(id []byte) bool {
	return len(id) <= maxID && (id[0] == '"' || jsontext.Value(id).Kind() == '0') && utf8.Valid(id)
}

// plainID says whether an id is an integer or a string without escapes: those have one spelling, and are easily told
// from what only looks like one.
func plainID(id []byte) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	if id[0] == '"' {
		return bytes.IndexByte(id, '\\') < 0 && utf8.Valid(id)
	}
	digits := bytes.TrimPrefix(id, []byte("-"))
	return len(digits) > 0 && (digits[0] != '0' || len(id) == 1) && len(bytes.TrimLeft(digits, "0123456789")) == 0
}

// answered gives mcp-go's answer the id as it came: mcp-go reads numbers as float64, and answers 9007199254740993 under
// 9007199254740992.
func (m *message) answered(answer mcp.JSONRPCMessage) mcp.JSONRPCMessage {
	switch a := answer.(type) {
	case mcp.JSONRPCResponse:
		a.ID = mcp.NewRequestId(m.ID)
		return a
	case mcp.JSONRPCError:
		a.ID = mcp.NewRequestId(m.ID)
		return a
	}
	return answer
}

// roundedID refuses a request whose id mcp-go would round on a way where its answer cannot be mended; nil when it would not.
func (m *message) roundedID() []byte {
	if !m.hasID() || !plainID(m.ID) || m.ID[0] == '"' {
		return nil
	}
	if n, err := strconv.ParseInt(string(m.ID), 10, 64); err == nil && n == int64(float64(n)) {
		return nil
	}
	return errorAnswer(nil, mcp.INVALID_REQUEST, "the id is a number that would come back rounded, take a string or a number below 2^53; nothing was done")
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

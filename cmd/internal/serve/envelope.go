package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/guard"
)

// What a message is refused with. Nothing has been done for it.
const (
	notJSON   = "Parse error: the message is no JSON text, is cut off, or nests more than 10000 deep; nothing was done"
	noBatches = "JSON-RPC batches are not supported; send each message by itself; nothing was done"
	notObject = "a message must be a JSON object; nothing was done"
	twice     = " has one name twice, or two that differ only by case; nothing was done"
	otherCase = " has a name that differs only by case from one of the protocol's; nothing was done"
	tooMany   = " has more than 1000 names; nothing was done"
	once      = `" must be there once, and in this case; nothing was done`
	badTask   = `params: "task" must be an object, and its "ttl" a whole number; nothing was done`
	badID     = `"id" must be a string or a number of at most 256 bytes; nothing was done`
	nullID    = `"id" must not be null beside a "method": give a request an id, and a notification none; nothing was done`
	noMethod  = `the message has no "method", and is no answer; nothing was done`
	tooLong   = "a name in the message is longer than 256 bytes; nothing was done"
)

// byteOrderMark may stand before a message, in UTF-8. Some hosts write it.
var byteOrderMark = []byte("\ufeff")

// decode reads the envelope of one message, which keeps raw. A message that may not be handled comes with the error to
// answer it with, under its id as far as the id is clear.
//
// mcp-go reads names in any case and takes the last of several. So what it would make of an ambiguous message is not what
// was read here, and it must not see one.
func decode(raw []byte) (m *message, refusal []byte) {
	raw = bytes.TrimPrefix(raw, byteOrderMark)
	m = &message{raw: raw}
	e := envelope{message: m}
	err := jsonv2.Unmarshal(raw, &e, lenient)
	code, text := e.readStrings()
	m.meta.clear = m.meta.read(m.Params.Meta)
	if e.Method == mcp.MethodInitialize {
		e.problem = e.handshake
	}
	switch {
	case err != nil:
		if e.idEnd < len(raw) && !bytes.ContainsRune([]byte(",} \t\r\n"), rune(raw[e.idEnd])) {
			m.ID = nil // the beginning of something that is no id
		}
		code, text = mcp.PARSE_ERROR, notJSON
	case strings.HasPrefix(e.problem, "params: "):
		code, text = mcp.INVALID_PARAMS, e.problem
	case e.problem != "":
		code, text = mcp.INVALID_REQUEST, e.problem
	case m.hasID() && !validID(m.ID):
		code, text = mcp.INVALID_REQUEST, badID
	case string(m.ID) == "null" && e.method != nil: // mcp-go takes it for a notification, and the host would wait
		code, text = mcp.INVALID_REQUEST, nullID
	case text == "" && e.method == nil && m.Result == nil && m.Error == nil:
		code, text = mcp.INVALID_REQUEST, noMethod
	case text == "" && m.Method == mcp.MethodToolsCall && m.Params.Task != nil && json.Unmarshal(m.Params.Task, new(mcp.TaskParams)) != nil:
		code, text = mcp.INVALID_PARAMS, badTask
	}
	if wrong := m.meta.wrong; text == "" && wrong != "" && m.hasID() && m.Method != mcp.MethodInitialize {
		code, text = mcp.INVALID_PARAMS, `params: "_meta" `+wrong+"; nothing was done"
	}
	if text == "" {
		if m.Method == mcp.MethodInitialize && m.hasID() && m.JSONRPC == mcp.JSONRPC_VERSION {
			m.raw = m.initialize()
		}
		return m, nil
	}
	if m.isResponse() { // our question that waits for it has to hear of it
		m.Result, m.Error = nil, mustEncode(map[string]string{"message": text})
	}
	if e.idTwice || m.ID == nil || !validID(m.ID) {
		m.ID = nil
	}
	return m, errorAnswer(m.ID, code, text)
}

// envelope reads a message's members as they are, each in its own case and once.
type envelope struct {
	*message
	jsonrpc, method, name json.RawMessage
	problem               string // the first one found
	handshake             string // the first that matters to an initialize, which leaves most of params unread
	idTwice               bool
	idEnd                 int // where the id ends in the message
}

// member is a name that this package knows, and where its value goes.
type member struct {
	name  string
	value *json.RawMessage
}

// UnmarshalJSONFrom reads to the end of the message, so that the id is found behind a problem, too.
func (e *envelope) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	switch in.PeekKind() {
	case '{':
		return e.read(in, "the message", []member{
			{"jsonrpc", &e.jsonrpc}, {"id", &e.ID}, {"method", &e.method}, {"params", &e.Params.raw},
			{"result", &e.Result}, {"error", &e.Error},
		})
	case '[':
		e.problem = noBatches
	default:
		e.problem = notObject
	}
	return in.SkipValue()
}

func (e *envelope) read(in *jsontext.Decoder, where string, members []member) error {
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	var others map[string]bool // by their folded names
	for in.PeekKind() == '"' {
		quoted, err := in.ReadValue()
		if err != nil {
			return err
		}
		value := e.find(where, quoted, members, &others)
		if value == &e.Params.raw && in.PeekKind() == '{' {
			start := in.InputOffset()
			err = e.readParams(in)
			e.Params.raw = bytes.TrimLeft(e.raw[start:in.InputOffset()], ": \t\r\n")
		} else {
			var read jsontext.Value
			if read, err = in.ReadValue(); err == nil && value != nil {
				end := in.InputOffset() // the decoder's own bytes are only lent
				*value = e.raw[end-int64(len(read)) : end : end]
				if value == &e.ID {
					e.idEnd = int(end)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	_, err := in.ReadToken()
	return err
}

func (e *envelope) readParams(in *jsontext.Decoder) error {
	p := &e.Params
	return e.read(in, "params", []member{
		{"name", &e.name}, {"arguments", &p.Arguments}, {"_meta", &p.Meta}, {"task", &p.Task},
		{"inputResponses", &p.InputResponses}, {"requestState", &p.RequestState}, {"requestId", &p.RequestID},
		{"capabilities", &p.Capabilities}, {"protocolVersion", &p.Version},
	})
}

// find says where the value of a name goes. It is nil when the value is not read here, or not the first of that name.
func (e *envelope) find(where string, quoted []byte, members []member, others *map[string]bool) *json.RawMessage {
	name := string(quoted[1 : len(quoted)-1])
	if strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || r > unicode.MaxASCII }) {
		unquoted, _ := jsontext.AppendUnquote(nil, quoted) // invalid UTF-8 is replaced
		name = string(unquoted)
	}
	for _, m := range members {
		switch {
		case !strings.EqualFold(name, m.name):
			continue
		case name != m.name:
			e.refuse(where, m.name, otherCase)
			return nil
		case *m.value != nil:
			e.refuse(where, m.name, twice)
			e.idTwice = e.idTwice || m.value == &e.ID
			return nil
		}
		return m.value
	}
	if len(*others) >= guard.MaxValues {
		e.refuse(where, "", tooMany)
		return nil
	}
	name = strings.ToLower(strings.ToUpper(name)) // one form of all that encoding/json takes for one name
	if (*others)[name] {
		e.refuse(where, "", twice)
	}
	if *others == nil {
		*others = map[string]bool{}
	}
	(*others)[name] = true
	return nil
}

func (e *envelope) refuse(where, name, problem string) {
	e.problem = cmp.Or(e.problem, where+problem)
	switch {
	case where != "params":
		e.handshake = cmp.Or(e.handshake, where+problem)
	case name == "_meta" || name == "capabilities" || name == "protocolVersion":
		e.handshake = cmp.Or(e.handshake, `params: "`+name+once)
	}
}

// readStrings reads the members that are strings; null counts as absent. The text says what is wrong, "" that nothing is.
func (e *envelope) readStrings() (code int, text string) {
	str := func(raw json.RawMessage, most, wrongCode int, wrong string) string {
		switch {
		case raw == nil || raw[0] == 'n':
			return ""
		case raw[0] != '"':
			code, text = wrongCode, wrong
			return ""
		}
		unquoted, _ := jsontext.AppendUnquote(nil, raw) // invalid UTF-8 is replaced
		if len(unquoted) > most {
			code, text = wrongCode, tooLong // mcp-go would repeat it
			return ""
		}
		return string(unquoted)
	}
	if raw := e.Params.raw; raw != nil && raw[0] != '{' && raw[0] != 'n' {
		code, text = mcp.INVALID_PARAMS, `"params" must be an object; nothing was done`
	}
	e.Method = mcp.MCPMethod(str(e.method, maxID, mcp.INVALID_REQUEST, `"method" must be a string; nothing was done`))
	if e.Method != mcp.MethodInitialize { // which uses neither
		e.Params.Name = str(e.name, maxID, mcp.INVALID_PARAMS, `params: "name" must be a string; nothing was done`)
		e.Params.requestState = str(e.Params.RequestState, len(e.raw), mcp.INVALID_PARAMS, `params: "requestState" must be a string; nothing was done`)
	}
	e.JSONRPC = str(e.jsonrpc, maxID, mcp.INVALID_REQUEST, `"jsonrpc" must be the string "2.0"; nothing was done`)
	return code, text
}

package serve

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
)

// What a message is refused with; nothing has been done for it.
const (
	notJSON   = "Parse error: the message is no JSON text, is cut off, or nests more than 10000 deep; nothing was done"
	noBatches = "JSON-RPC batches are not supported; send each message by itself; nothing was done"
	notObject = "a message must be a JSON object; nothing was done"
	twice     = " has one name twice, or two that differ only by case; nothing was done"
	badTask   = `params: "task" must be an object, and its "ttl" a whole number; nothing was done`
	badID     = `"id" must be a string or a number of at most 256 bytes; nothing was done`
	noMethod  = `the message has no "method", and is no answer; nothing was done`
	otherCase = " has a name that differs only by case from one of the protocol's; nothing was done"
)

// decode reads the envelope of one message, which keeps raw. A message that may not be handled comes with the error
// to answer it with, under its id as far as that is clear.
//
// mcp-go reads names in any case and takes the last of several, so what it would make of an ambiguous message is
// not what was read here: it must not see one.
func decode(raw []byte) (m *message, refusal []byte) {
	m = &message{raw: raw}
	e := envelope{message: m}
	err := jsonv2.Unmarshal(raw, &e, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	code, text := m.readStrings(&e)
	switch {
	case err != nil:
		if e.idEnd < len(raw) && !bytes.ContainsRune([]byte(",} \t\r\n"), rune(raw[e.idEnd])) {
			m.ID = nil // the beginning of what is no id
		}
		code, text = mcp.PARSE_ERROR, notJSON
		if m.ID == nil && closes(raw) {
			m.ID = idAtEnd(raw)
		}
	case e.problem != "":
		code, text = mcp.INVALID_REQUEST, e.problem
	case m.hasID() && !validID(m.ID):
		code, text = mcp.INVALID_REQUEST, badID
	case text == "" && e.method == nil && m.Result == nil && m.Error == nil:
		code, text = mcp.INVALID_REQUEST, noMethod
	case text == "" && m.Method == mcp.MethodToolsCall && m.Params.Task != nil && json.Unmarshal(m.Params.Task, new(mcp.TaskParams)) != nil:
		code, text = mcp.INVALID_PARAMS, badTask // mcp-go would quote encoding/json
	}
	if text == "" {
		return m, nil
	}
	if m.isResponse() { // the request of ours that waits for it has to hear of it
		m.Result, m.Error = nil, mustEncode(map[string]string{"message": text})
	}
	id := m.ID
	if e.idTwice || id == nil || !validID(id) {
		id = nil
	}
	return m, errorAnswer(id, code, text)
}

// envelope reads a message's members as they are, each in its own case and once.
type envelope struct {
	*message
	jsonrpc, method, params, name json.RawMessage
	problem                       string // the first one found
	idTwice                       bool
	idEnd                         int // where it ends in the message
}

// member is a name that this package knows and where its value goes.
type member struct {
	name  string
	value *json.RawMessage
}

// UnmarshalJSONFrom reads to the end of the message, so that the id is found behind a problem, too.
func (e *envelope) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	switch in.PeekKind() {
	case '{':
		return e.read(in, "the message", []member{
			{"jsonrpc", &e.jsonrpc}, {"id", &e.ID}, {"method", &e.method}, {"params", &e.params},
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
		if value == &e.params && in.PeekKind() == '{' {
			start := in.InputOffset()
			p := &e.Params
			err = e.read(in, "params", []member{
				{"name", &e.name}, {"arguments", &p.Arguments}, {"_meta", &p.Meta}, {"task", &p.Task},
				{"inputResponses", &p.InputResponses}, {"requestState", &p.RequestState}, {"requestId", &p.RequestID},
			})
			e.params = bytes.TrimLeft(e.raw[start:in.InputOffset()], ": \t\r\n")
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

// find says where the value of a name goes; nil when it is not read here, or is not the first of that name.
func (e *envelope) find(where string, quoted []byte, members []member, others *map[string]bool) *json.RawMessage {
	for _, m := range members {
		if string(quoted[1:len(quoted)-1]) == m.name { // as nearly every one is written
			return e.first(where, m)
		}
	}
	unquoted, _ := jsontext.AppendUnquote(nil, quoted) // invalid UTF-8 is replaced
	name := string(unquoted)
	for _, m := range members {
		if name == m.name {
			return e.first(where, m)
		}
		if strings.EqualFold(name, m.name) {
			e.refuse(where + otherCase)
			return nil
		}
	}
	name = strings.Map(foldRune, name)
	if (*others)[name] {
		e.refuse(where + twice)
	}
	if *others == nil {
		*others = map[string]bool{}
	}
	(*others)[name] = true
	return nil
}

func (e *envelope) first(where string, m member) *json.RawMessage {
	if *m.value == nil {
		return m.value
	}
	e.refuse(where + twice)
	e.idTwice = e.idTwice || m.value == &e.ID
	return nil
}

func (e *envelope) refuse(problem string) {
	if e.problem == "" {
		e.problem = problem
	}
}

// foldRune is the least of the runes that encoding/json takes for r.
func foldRune(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// readStrings reads the members that are strings; null is as good as none. The text says what is wrong, ""
// that nothing is.
func (m *message) readStrings(e *envelope) (code int, text string) {
	if e.params != nil && e.params[0] != '{' && e.params[0] != 'n' {
		code, text = mcp.INVALID_PARAMS, `"params" must be an object; nothing was done`
	}
	str := func(raw json.RawMessage, wrongCode int, wrong string) string {
		switch {
		case raw == nil || raw[0] == 'n':
			return ""
		case raw[0] != '"':
			code, text = wrongCode, wrong
			return ""
		}
		unquoted, _ := jsontext.AppendUnquote(nil, raw) // invalid UTF-8 is replaced
		if len(unquoted) > maxID {
			code, text = wrongCode, "a name in the message is longer than 256 bytes; nothing was done" // mcp-go would repeat it
			return ""
		}
		return string(unquoted)
	}
	m.Params.Name = str(e.name, mcp.INVALID_PARAMS, `params: "name" must be a string; nothing was done`)
	m.Method = mcp.MCPMethod(str(e.method, mcp.INVALID_REQUEST, `"method" must be a string; nothing was done`))
	m.JSONRPC = str(e.jsonrpc, mcp.INVALID_REQUEST, `"jsonrpc" must be the string "2.0"; nothing was done`)
	return code, text
}

// closes says whether every bracket outside a string is closed at the end and not before.
func closes(raw []byte) bool {
	depth, text := 0, bytes.TrimSpace(raw)
	for i, inString := 0, false; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i == len(text)-1
			}
		}
	}
	return false
}

// Package drive holds the benchmark's clients. They write prepared bytes and
// look for ids by scanning: a client that decoded JSON would cost more than
// what it measures.
package drive

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"twilio-proxy-mcp/cmd/bench/post"
)

// Messages that begin a session and the list that a client asks for next.
const (
	Initialize  = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	Initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	ToolsList   = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
)

// A Request is a message with a place for the call's number, "#": its id, and a
// part of the text that makes each message another one.
type Request string

// The calls of the tool: as revisions up to 2025-11-25 have them, as 2026-07-28
// does, with a ServiceSid that the schema refuses, and a ping.
const (
	Call    Request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.ServiceSid + sids + `}}`
	Modern  Request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}},"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.ServiceSid + sids + `}}`
	Invalid Request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.SessionSid + sids + `}}`
	Ping    Request = `{"jsonrpc":"2.0","id":#,"method":"ping"}`

	sids = `","SessionSid":"` + post.SessionSid + `","ParticipantSid":"` + post.ParticipantSid + `","Body":"message #"}`
)

// appendTo appends the message with the number filled in.
func (r Request) appendTo(b []byte, number int) []byte {
	for _, c := range []byte(r) {
		if c == '#' {
			b = strconv.AppendInt(b, int64(number), 10)
		} else {
			b = append(b, c)
		}
	}
	return b
}

var errNoID = errors.New("an answer has no id")

// idOf finds the id of an answer: at the front, where Go's libraries put it, or
// at the end, where TypeScript's does.
func idOf(answer []byte) (int, error) {
	rest, ok := bytes.CutPrefix(answer, []byte(`{"jsonrpc":"2.0","id":`))
	if !ok {
		at := bytes.LastIndex(answer, []byte(`"id":`))
		if at < 0 {
			return 0, fmt.Errorf("%w: %.200s", errNoID, answer)
		}
		rest = answer[at+len(`"id":`):]
	}
	id, digits := 0, 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		id = id*10 + int(rest[digits]-'0')
		digits++
	}
	if digits == 0 {
		return 0, fmt.Errorf("%w: %.200s", errNoID, answer)
	}
	return id, nil
}

// failed returns an error for an answer that is no success.
func failed(answer []byte) error {
	if bytes.Contains(answer, []byte(`"isError":true`)) || !bytes.Contains(answer, []byte(`"result":`)) {
		return fmt.Errorf("the call failed: %.300s", answer)
	}
	return nil
}

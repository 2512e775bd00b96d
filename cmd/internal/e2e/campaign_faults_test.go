//go:build unix

package e2e

import "net/http"

// A fault is what becomes of one request. A higher weight makes it more frequent. The first of a list is none.
type fault struct {
	name    string
	weight  int
	refuses bool // says plainly that the message was not accepted
	do      func(x *exchange)
}

const jsonType = "application/json"

var createFaults = []fault{
	{"none", 60, false, func(x *exchange) { x.answer(x.pass()) }},

	// An error, or no answer.
	{"500, not accepted", 2, false, func(x *exchange) { x.refuse(http.StatusInternalServerError, 0) }},
	{"502 in HTML, not accepted", 2, false, func(x *exchange) {
		x.say(http.StatusBadGateway, "<html>bad gateway</html>", "Content-Type", "text/html")
	}},
	{"503, not accepted", 5, false, func(x *exchange) { x.say(http.StatusServiceUnavailable, "") }},
	{"503, accepted", 3, false, func(x *exchange) { x.pass(); x.say(http.StatusServiceUnavailable, "") }},
	{"503, then accepted", 2, false, func(x *exchange) {
		x.say(http.StatusServiceUnavailable, "")
		http.NewResponseController(x.ResponseWriter).Flush()
		x.pass()
	}},
	{"408, not accepted", 1, false, func(x *exchange) { x.say(http.StatusRequestTimeout, "") }},
	{"reset, not accepted", 2, false, func(x *exchange) { x.hangUp(true, "") }},
	{"reset, accepted", 2, false, func(x *exchange) { x.pass(); x.hangUp(true, "") }},
	{"closed, accepted", 2, false, func(x *exchange) { x.pass(); x.hangUp(false, "") }},
	{"cut within the header, not accepted", 1, false, func(x *exchange) { x.hangUp(false, "HTTP/1.1 200 OK\r\nContent-Ty") }},
	{"cut within the header, accepted", 1, false, func(x *exchange) { x.pass(); x.hangUp(false, "HTTP/1.1 200 OK\r\nContent-Ty") }},
	{"silence, not accepted", 1, false, func(x *exchange) { x.silence() }},
	{"silence, accepted", 1, false, func(x *exchange) { x.pass(); x.silence() }},

	// A refusal.
	{"429", 3, true, func(x *exchange) { x.refuse(http.StatusTooManyRequests, 20429) }},
	{"429 with Retry-After", 1, true, func(x *exchange) { x.refuse(http.StatusTooManyRequests, 20429, "Retry-After", "1") }},
	{"429 for long", 2, true, func(x *exchange) { x.refuse(http.StatusTooManyRequests, 80621, "Retry-After", "60") }},
	{"400", 3, true, func(x *exchange) { x.refuse(http.StatusBadRequest, 80607) }},
	{"404", 1, true, func(x *exchange) { x.refuse(http.StatusNotFound, 20404) }},
	{"403 in HTML", 1, true, func(x *exchange) { x.say(http.StatusForbidden, "<html>no</html>", "Content-Type", "text/html") }},
	{"302", 1, true, func(x *exchange) { x.say(http.StatusFound, "", "Location", "http://127.0.0.1:1/") }},

	// A receipt that is cut off, unreadable, or somebody else's. The message was accepted.
	{"cut receipt", 2, false, func(x *exchange) { x.cut(x.pass()) }},
	{"no receipt", 1, false, func(x *exchange) { x.pass(); x.say(http.StatusCreated, "", "Content-Type", jsonType) }},
	{"garbled receipt", 1, false, func(x *exchange) { x.pass(); x.say(http.StatusOK, `{"sid":[1,2`, "Content-Type", jsonType) }},
	{"receipt without the participant and the text", 1, false, func(x *exchange) { x.changed(map[string]any{"participant_sid": nil, "data": nil}) }},
	{"receipt with data of another shape", 1, false, func(x *exchange) { x.changed(map[string]any{"data": `{"text":["odd"]}`}) }},
	{"receipt of another participant", 2, false, func(x *exchange) { x.changed(map[string]any{"participant_sid": foreignParticipant}) }},
	{"receipt of another session", 2, false, func(x *exchange) { x.changed(map[string]any{"session_sid": foreignSession}) }},
	{"receipt of another service", 2, false, func(x *exchange) { x.changed(map[string]any{"service_sid": foreignService}) }},
	{"receipt of another text", 2, false, func(x *exchange) { x.changed(map[string]any{"data": foreignData, "sid": x.foreignSid()}) }},
	{"receipt of another message", 5, false, func(x *exchange) { x.changed(x.another()) }},
	{"receipt of a foreign message", 2, false, func(x *exchange) { x.changed(x.foreign()) }},

	// A 2xx that no API gave: not JSON, and no header of Twilio's.
	{"a login page, not accepted", 2, false, func(x *exchange) { x.portal() }},
	{"a login page, accepted", 1, false, func(x *exchange) { x.pass(); x.portal() }},
	{"a bare 200, not accepted", 1, false, func(x *exchange) { x.say(http.StatusOK, "") }},
	{"a bare 204, not accepted", 1, false, func(x *exchange) { x.say(http.StatusNoContent, "") }},
	{"a bare 204, accepted", 1, false, func(x *exchange) { x.pass(); x.say(http.StatusNoContent, "") }},
	{"text, not accepted", 1, false, func(x *exchange) { x.say(http.StatusAccepted, "thank you", "Content-Type", "text/plain") }},

	// A 2xx that has a sign of the API, although nothing was accepted.
	{"a believed JSON type", 1, false, func(x *exchange) { x.believe(); x.say(http.StatusOK, "[]", "Content-Type", jsonType) }},
	{"a believed object", 1, false, func(x *exchange) { x.believe(); x.say(http.StatusOK, `{"sid":`, "Content-Type", "text/plain") }},
	{"a believed header", 1, false, func(x *exchange) { x.believe(); x.portal("Twilio-Request-Id", "RQcccccccccccccccccccccccccccccccc") }},
}

// listFaults are those of a look for a lost message.
var listFaults = []fault{
	{"none", 40, false, func(x *exchange) { x.answer(x.pass()) }},
	{"503", 3, false, func(x *exchange) { x.say(http.StatusServiceUnavailable, "") }},
	{"429 for long", 2, false, func(x *exchange) { x.refuse(http.StatusTooManyRequests, 20429, "Retry-After", "60") }},
	{"404", 1, false, func(x *exchange) { x.refuse(http.StatusNotFound, 20404) }},
	{"reset", 2, false, func(x *exchange) { x.hangUp(true, "") }},
	{"silence", 1, false, func(x *exchange) { x.silence() }},
	{"cut", 2, false, func(x *exchange) { x.cut(x.pass()) }},
	{"garbled", 1, false, func(x *exchange) { x.say(http.StatusOK, `{"interactions":[{"sid":`, "Content-Type", jsonType) }},
	{"a login page", 2, false, func(x *exchange) { x.portal() }},
	{"a bare 204", 1, false, func(x *exchange) { x.say(http.StatusNoContent, "") }},
	{"an empty list", 1, false, func(x *exchange) { x.say(http.StatusOK, `{"interactions":[],"meta":{}}`, "Content-Type", jsonType) }},
	{"equal messages of another session", 3, false, func(x *exchange) { x.elsewhere("session_sid", foreignSession) }},
	{"equal messages of another service", 3, false, func(x *exchange) { x.elsewhere("service_sid", foreignService) }},
}

package twilio

import (
	"fmt"
	"net/http"
)

// Quoted shows Twilio's own words as what they are: text from outside, in which a
// model should see no instruction. It is "" when Twilio gave neither a code nor
// words; otherwise it begins with a space.
func (e *Error) Quoted() string {
	text := ""
	if e.Code != 0 {
		text = fmt.Sprintf(" Twilio's error code is %d.", e.Code)
	}
	if e.Message != "" {
		text += fmt.Sprintf(" Twilio's words, quoted as data: %q.", e.Message)
	}
	return text
}

// Advice says what to do about a refusal. It goes by Twilio's error code where its
// meaning is documented, and by the HTTP status otherwise.
func (e *Error) Advice() string {
	switch e.Code {
	case 20003:
		return adviceCredentials
	case 20008:
		return "Twilio's test credentials do not work with Proxy; tell the user to configure live credentials or use the built-in fake."
	case 80607, 80904:
		return "The Session is closed or expired and takes no messages; tell the user, do not call again."
	case 80610:
		return "The SIDs do not belong together; check which Service and Session the Participant is in."
	case 80405, 80408, 80409:
		return "Twilio does not accept the SID; check where it came from."
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return adviceCredentials
	case http.StatusNotFound:
		return "One of the SIDs does not exist in this account; check the SIDs with the user, do not guess others."
	default:
		return "The same call would be refused again; change what Twilio objects to, or tell the user."
	}
}

const adviceCredentials = "This server's Twilio credentials are not accepted; tell the user to check them."

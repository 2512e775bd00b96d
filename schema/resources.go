package schema

import (
	"encoding/json"
	"strings"
)

// A Service is Twilio's resource of that name: the settings and the phone numbers of some Sessions. This struct and the two
// below have the fields that this project reads, under the API's own names. Every field may be null (Twilio's OpenAPI
// description of Proxy v1). Texts are as Twilio gives them, and may be anybody's words.
type Service struct {
	Sid        *ServiceSid `json:"sid"`
	UniqueName *string     `json:"unique_name"`
}

// A Session is a masked conversation of at most two Participants. Status and Mode are plain texts, because Twilio may add
// values.
type Session struct {
	Sid                 *SessionSid `json:"sid"`
	ServiceSid          *ServiceSid `json:"service_sid"`
	UniqueName          *string     `json:"unique_name"`
	Status              *string     `json:"status"` // documented: open, in-progress, closed, failed, unknown
	ClosedReason        *string     `json:"closed_reason"`
	Mode                *string     `json:"mode"` // documented: message-only, voice-only, voice-and-message
	Ttl                 *int64      `json:"ttl"`  // in seconds, from the last interaction or else from the start
	DateStarted         *string     `json:"date_started"`
	DateExpiry          *string     `json:"date_expiry"` // counts more than Ttl
	DateLastInteraction *string     `json:"date_last_interaction"`
	DateCreated         *string     `json:"date_created"`
}

// A Participant is one of the people in a Session. It is deleted when DateDeleted is set, and may still be listed then.
type Participant struct {
	Sid          *ParticipantSid `json:"sid"`
	SessionSid   *SessionSid     `json:"session_sid"`
	ServiceSid   *ServiceSid     `json:"service_sid"`
	FriendlyName *string         `json:"friendly_name"`
	Identifier   *string         `json:"identifier"` // a phone number: personal data
	DateDeleted  *string         `json:"date_deleted"`
}

// A Resource is what Twilio answers with.
type Resource interface {
	Service | Session | Participant | MessageInteraction
}

// DecodeResource reads one object of Twilio's. A field of another type than documented becomes nil, and an enum value that
// is not documented becomes Unknown; misfits then has the JSON of such fields by their names. It is nil when there are none.
// The error says that body is not a JSON object; it does not quote it.
func DecodeResource[R Resource](body []byte) (r R, misfits map[string]json.RawMessage, err error) {
	misfits, err = decodeFields(body, &r)
	return r, misfits, err
}

// SameSid compares two texts as SIDs, whose hexadecimal digits may be in either case.
func SameSid(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

package schema

import (
	"encoding/json"
	"errors"

	jsonv2 "github.com/go-json-experiment/json"
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

// A Resource is an object that Twilio answers with. Each of its fields can be nil.
type Resource interface {
	Service | Session | Participant | MessageInteraction
}

// DecodeResource reads Twilio's answer and makes it fit what is published about it. A
// field of the wrong type becomes nil, and an unknown enum value becomes Unknown.
// misfits holds the original JSON of such fields, by name; it is nil when there are
// none. Fields that the struct does not have are ignored, and of a name given twice
// the last counts. The error says that body is not a JSON object; it does not quote it.
func DecodeResource[R Resource](body []byte) (r R, misfits map[string]json.RawMessage, err error) {
	if jsonv2.Unmarshal(body, &r, tolerant) == nil && allKnown(&r) && isObject(body) {
		return r, nil, nil
	}
	var given map[string]json.RawMessage
	if err := jsonv2.Unmarshal(body, &given, tolerant); err != nil || given == nil {
		return *new(R), nil, errors.New("the answer is no JSON object")
	}
	r = *new(R)
	for field, target := range fieldsOf(&r) {
		if raw, ok := given[field]; ok && !fits(raw, target) {
			if misfits == nil {
				misfits = map[string]json.RawMessage{}
			}
			misfits[field] = raw
		}
	}
	return r, misfits, nil
}

// DecodeMessageInteraction is DecodeResource for the answer to a send. It refuses no
// object, because the message has already been sent.
func DecodeMessageInteraction(body []byte) (mi MessageInteraction, misfits map[string]json.RawMessage, err error) {
	return DecodeResource[MessageInteraction](body)
}

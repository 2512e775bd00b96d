package schema

import (
	"encoding/json"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"
)

// ComparableText is the form in which two bodies are compared: without the white space around it, with LF at the end of
// a line, and in Unicode's normal form NFC, because a text may come back from Twilio so.
func ComparableText(body string) string {
	return norm.NFC.String(strings.ReplaceAll(strings.TrimSpace(body), "\r\n", "\n"))
}

// Text returns the body in data, in the form of ComparableText. It returns false if data has no body that is a string.
func (mi *MessageInteraction) Text() (string, bool) {
	if mi.Data == nil {
		return "", false
	}
	return textOf([]byte(*mi.Data))
}

func textOf(data []byte) (string, bool) {
	body, has := bodyOf(data)
	return ComparableText(body), has
}

func bodyOf(data []byte) (string, bool) {
	var object struct {
		Body *string `json:"body"`
	}
	if jsonv2.Unmarshal(data, &object, tolerant) != nil || object.Body == nil {
		return "", false
	}
	return *object.Body, true
}

// Differing names the fields of an answer that show that it is about another message than the one requested. They are
// the SIDs of the service, the session and the participant, and data if the body in it is another. A field that is
// missing, null or of another shape shows nothing. sid is named if it is not the SID that url ends with. If the request
// names no participant, only its session is compared. misfits are DecodeMessageInteraction's.
func (r CreateMessageInteraction) Differing(mi *MessageInteraction, misfits map[string]json.RawMessage) (fields []string) {
	differ := func(field string, differs bool) {
		if differs {
			fields = append(fields, field)
		}
	}
	differ("service_sid", IsOther(r.ServiceSid, mi.ServiceSid, misfits["service_sid"]))
	differ("session_sid", IsOther(r.SessionSid, mi.SessionSid, misfits["session_sid"]))
	if r.ParticipantSid.IsZero() {
		return fields
	}
	if mi.ParticipantSid != nil || isString(misfits["participant_sid"]) {
		differ("participant_sid", IsOther(r.ParticipantSid, mi.ParticipantSid, misfits["participant_sid"]))
	} else { // as in an Interaction: the message goes to the participant that is named (Twilio's page on the operation)
		differ("outbound_participant_sid", IsOther(r.ParticipantSid, mi.OutboundParticipantSid, misfits["outbound_participant_sid"]))
	}
	text, isText := mi.Text()
	if object := misfits["data"]; object != nil {
		text, isText = textOf(object)
	}
	differ("data", isText && text != ComparableText(r.Body))
	if mi.Sid != nil && mi.Url != nil {
		linked, err := ParseSid[KI]((*mi.Url)[strings.LastIndexByte(*mi.Url, '/')+1:])
		differ("sid", err == nil && !linked.Same(*mi.Sid))
	}
	return fields
}

// IsOther reports whether an answer names another resource than the one that is wanted. misfit is the field's JSON if it
// is no such SID: a string is another's, and anything else names none, as null does.
func IsOther[P Prefix](want Sid[P], got *Sid[P], misfit json.RawMessage) bool {
	if got != nil {
		return !got.Same(want)
	}
	return isString(misfit)
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

package schema

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// CreateMessageInteraction is the request of the operation of that name: the
// path parameters and the form parameters, under the API's own names.
//
// The tags give the JSON Schema that a model reads; see Input.
type CreateMessageInteraction struct {
	ServiceSid     ServiceSid     `json:"ServiceSid" jsonschema_description:"SID (KS...) of the Proxy Service that the Session belongs to."`
	SessionSid     SessionSid     `json:"SessionSid" jsonschema_description:"SID (KC...) of the Session: the masked conversation."`
	ParticipantSid ParticipantSid `json:"ParticipantSid" jsonschema_description:"SID (KP...) of the Participant who receives the message."`
	Body           string         `json:"Body,omitempty" jsonschema_description:"Text of the message. Required unless MediaUrl is given."`
	MediaUrl       []string       `json:"MediaUrl,omitempty" jsonschema:"format=uri" jsonschema_description:"Reserved. Not currently supported by Twilio: leave it out. http or https URLs."`
}

// Rules are "Body or MediaUrl" (x-twilio.conditional in Twilio's OpenAPI
// description), and that media are http or https URLs.
func (CreateMessageInteraction) Rules() []Rule { return []Rule{bodyOrMediaURL, mediaOverHTTP} }

// Validate reports what JSON Schema cannot say about the request, and repeats
// what a Go caller could have got wrong: a SID that is missing, nothing to
// send, a MediaUrl that is no absolute http or https URL, text that is not
// UTF-8. The error is a Problems with all of them.
func (r CreateMessageInteraction) Validate() error {
	var problems Problems
	missing := func(field string, zero bool) {
		if zero {
			problems = append(problems, field+": is missing")
		}
	}
	missing("ServiceSid", r.ServiceSid.IsZero())
	missing("SessionSid", r.SessionSid.IsZero())
	missing("ParticipantSid", r.ParticipantSid.IsZero())
	if r.Body == "" && len(r.MediaUrl) == 0 {
		problems = append(problems, nothingToSend)
	}
	if !utf8.ValidString(r.Body) {
		problems = append(problems, "Body: is not valid UTF-8")
	}
	for i, u := range r.MediaUrl {
		if err := checkMediaURL(u); err != nil {
			problems = append(problems, fmt.Sprintf("MediaUrl[%d]: %v", i, err))
		}
	}
	if problems == nil {
		return nil
	}
	return problems
}

const nothingToSend = "Body: there is nothing to send; give Body a text of at least one character, or give MediaUrl"

// checkMediaURL does not repeat the URL: it may carry a signature.
func checkMediaURL(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is no URI")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("must be an absolute URL that begins with http:// or https://")
	}
	return nil
}

// Path returns the path of the operation for this request, from "/v1" on.
func (r CreateMessageInteraction) Path() string {
	// A SID that parsed is letters and digits: nothing has to be escaped.
	return "/v1/Services/" + r.ServiceSid.value + "/Sessions/" + r.SessionSid.value +
		"/Participants/" + r.ParticipantSid.value + "/MessageInteractions"
}

// Form returns the form parameters, URL-encoded. MediaUrl is a repeated key, as
// Twilio's own libraries send it.
func (r CreateMessageInteraction) Form() string {
	var form []string
	if r.Body != "" {
		form = append(form, "Body="+url.QueryEscape(r.Body))
	}
	for _, u := range r.MediaUrl {
		form = append(form, "MediaUrl="+url.QueryEscape(u))
	}
	return strings.Join(form, "&")
}

// MessageInteraction is the response of the operation, field by field in the
// order of Twilio's example. Every field may be null: Twilio's description
// says so of all but the enums, and its example has a null enum.
//
// An Interaction, as the session's list has them, is the same without
// participant_sid.
type MessageInteraction struct {
	ServiceSid             *ServiceSid      `json:"service_sid"`
	Data                   *string          `json:"data" jsonschema_description:"JSON string with the body that was sent."`
	DateCreated            *string          `json:"date_created"`
	DateUpdated            *string          `json:"date_updated"`
	ParticipantSid         *ParticipantSid  `json:"participant_sid"`
	InboundParticipantSid  *ParticipantSid  `json:"inbound_participant_sid"`
	InboundResourceSid     *ResourceSid     `json:"inbound_resource_sid"`
	InboundResourceStatus  *ResourceStatus  `json:"inbound_resource_status"`
	InboundResourceType    *string          `json:"inbound_resource_type"`
	InboundResourceUrl     *string          `json:"inbound_resource_url"`
	OutboundParticipantSid *ParticipantSid  `json:"outbound_participant_sid"`
	OutboundResourceSid    *ResourceSid     `json:"outbound_resource_sid"`
	OutboundResourceStatus *ResourceStatus  `json:"outbound_resource_status" jsonschema_description:"State at creation; no proof of delivery."`
	OutboundResourceType   *string          `json:"outbound_resource_type"`
	OutboundResourceUrl    *string          `json:"outbound_resource_url"`
	Sid                    *InteractionSid  `json:"sid" jsonschema_description:"Identifies this message interaction (KI...)."`
	Type                   *InteractionType `json:"type"`
	Url                    *string          `json:"url"`
	AccountSid             *AccountSid      `json:"account_sid"`
	SessionSid             *SessionSid      `json:"session_sid"`
}

// bodyOrMediaURL is a rule and not a root-level anyOf: model providers reject
// tools that have one.
func bodyOrMediaURL(object map[string]any) []string {
	body, bodyGiven := object["Body"]
	media, mediaGiven := object["MediaUrl"]
	if text, isString := body.(string); bodyGiven && (!isString || text != "") {
		return nil
	}
	if list, isArray := media.([]any); mediaGiven && (!isArray || len(list) > 0) {
		return nil
	}
	return []string{nothingToSend}
}

func mediaOverHTTP(object map[string]any) []string {
	list, _ := object["MediaUrl"].([]any)
	var problems []string
	for i, item := range list {
		s, isString := item.(string)
		if u, err := url.Parse(s); !isString || err != nil || !u.IsAbs() {
			continue // the schema has said so
		}
		if err := checkMediaURL(s); err != nil {
			problems = append(problems, fmt.Sprintf("MediaUrl[%d]: %v", i, err))
		}
	}
	return problems
}

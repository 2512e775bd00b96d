package schema

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"
)

// CreateMessageInteraction is the request of Twilio's operation of that name. It
// has the path and form parameters, under the API's own names.
//
// The tags become the JSON Schema that a model reads; see Input.
type CreateMessageInteraction struct {
	ServiceSid     ServiceSid     `json:"ServiceSid" jsonschema_description:"SID (KS and 32 hexadecimal digits) of the Proxy Service that the Session belongs to."`
	SessionSid     SessionSid     `json:"SessionSid" jsonschema_description:"SID (KC and 32 hexadecimal digits) of the Session: the masked conversation."`
	ParticipantSid ParticipantSid `json:"ParticipantSid" jsonschema_description:"SID (KP and 32 hexadecimal digits) of the Participant who receives the message."`
	Body           string         `json:"Body,omitempty" jsonschema_description:"Text of the message. Required unless MediaUrl is given."`
	MediaUrl       []string       `json:"MediaUrl,omitempty" jsonschema:"pattern=^https?://,maxItems=10" jsonschema_description:"Reserved. Not currently supported by Twilio: leave it out. Absolute http:// or https:// URLs."`
}

// maxMediaURLs is how many a message of Twilio may have
// (https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource: "You can include up to ten
// media_url parameters per message"). The tag of MediaUrl repeats it.
const maxMediaURLs = 10

// Rules require Body or MediaUrl (x-twilio.conditional in Twilio's OpenAPI
// description), and check what the pattern of a media URL leaves open.
func (CreateMessageInteraction) Rules() []Rule { return []Rule{bodyOrMediaURL, mediaURLs} }

// Validate is for Go callers, whose requests are not checked against the schema. It
// looks for a missing SID, nothing to send, more than ten of MediaUrl, one that is not an absolute http
// or https URL, and text that is not UTF-8. The error is a Problems with all of them.
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
	if len(r.MediaUrl) > maxMediaURLs {
		problems = append(problems, fmt.Sprintf("MediaUrl: has %d items, must have at most %d", len(r.MediaUrl), maxMediaURLs))
	}
	for i, u := range r.MediaUrl[:min(len(r.MediaUrl), maxMediaURLs)] {
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

// webURL is the pattern of a MediaUrl, and notWebURL is what a URL that does not
// match it is told.
const (
	webURL    = "^https?://"
	notWebURL = "must be an absolute URL that begins with http:// or https://"
)

// checkMediaURL does not quote the URL in its error: a URL may contain a signature.
func checkMediaURL(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	if !matchesWebURL(s) {
		return errors.New(notWebURL)
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is no URI")
	}
	// url.Parse does not look into the brackets of an IPv6 address.
	if host := u.Hostname(); strings.Contains(host, ":") {
		if address, err := netip.ParseAddr(host); err != nil || address.Zone() != "" {
			return errors.New("is no URI")
		}
	}
	if u.Hostname() == "" {
		return errors.New(notWebURL)
	}
	return nil
}

func matchesWebURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// Path returns the URL path for this request, from "/v1" on.
func (r CreateMessageInteraction) Path() string {
	// A parsed SID has only letters and digits, so nothing needs escaping.
	return "/v1/Services/" + r.ServiceSid.value + "/Sessions/" + r.SessionSid.value +
		"/Participants/" + r.ParticipantSid.value + "/MessageInteractions"
}

// Form returns the URL-encoded form parameters. MediaUrl is a repeated key, as
// in Twilio's own libraries.
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

// MessageInteraction is the response of the operation, in the order of Twilio's
// example. Every field may be null. Twilio's description says that for all fields
// except the enums, and its example has a null enum.
//
// The interactions in a session's list have the same fields except participant_sid.
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

// bodyOrMediaURL is a Rule, because model providers reject tools that have anyOf
// at the root of their schema.
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

func mediaURLs(object map[string]any) []string {
	list, _ := object["MediaUrl"].([]any)
	var problems []string
	for i, item := range list {
		s, _ := item.(string)
		if !matchesWebURL(s) {
			continue // the schema reports it
		}
		if err := checkMediaURL(s); err != nil {
			problems = append(problems, fmt.Sprintf("MediaUrl[%d]: %v", i, err))
		}
	}
	return problems
}

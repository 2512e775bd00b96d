package fake

import (
	"slices"
	"time"
)

// sharedFields are the fields that Interaction and MessageInteraction share.
type sharedFields struct {
	InboundParticipantSid  orNull `json:"inbound_participant_sid"`
	InboundResourceSid     orNull `json:"inbound_resource_sid"`
	InboundResourceStatus  orNull `json:"inbound_resource_status"`
	InboundResourceType    orNull `json:"inbound_resource_type"`
	InboundResourceUrl     orNull `json:"inbound_resource_url"`
	OutboundParticipantSid orNull `json:"outbound_participant_sid"`
	OutboundResourceSid    orNull `json:"outbound_resource_sid"`
	OutboundResourceStatus orNull `json:"outbound_resource_status"`
	OutboundResourceType   orNull `json:"outbound_resource_type"`
	OutboundResourceUrl    orNull `json:"outbound_resource_url"`
	DateCreated            stamp  `json:"date_created"`
	DateUpdated            stamp  `json:"date_updated"`
	Url                    string `json:"url"`
}

type interactionView struct {
	Sid        string `json:"sid"`
	SessionSid string `json:"session_sid"`
	ServiceSid string `json:"service_sid"`
	AccountSid string `json:"account_sid"`
	Data       string `json:"data"`
	Type       string `json:"type"`
	sharedFields
}

func (f *Fake) viewInteraction(m *message, c *call) interactionView {
	return interactionView{
		Sid: m.Sid, SessionSid: m.session.Sid, ServiceSid: m.session.service.Sid, AccountSid: f.account().Username,
		Data: m.data(), Type: "message",
		sharedFields: m.sharedFields(m.session.url(c.base)+"/Interactions/"+m.Sid, c.now),
	}
}

func (m *message) sharedFields(url string, now time.Time) sharedFields {
	h := sharedFields{DateCreated: stamp(m.Created), DateUpdated: stamp(m.Created), Url: url}
	if m.Inbound != "" {
		h.InboundParticipantSid = orNull(m.Inbound)
		h.InboundResourceSid = orNull(m.resourceSid(true))
		h.InboundResourceStatus = "delivered"
		h.InboundResourceType = "Message"
	}
	if m.Outbound != "" {
		status, since, _ := m.Life.at(m.Created, now)
		h.OutboundParticipantSid = orNull(m.Outbound)
		h.OutboundResourceSid = orNull(m.resourceSid(false))
		h.OutboundResourceStatus = orNull(status)
		h.OutboundResourceType = "Message"
		h.DateUpdated = stamp(since)
	}
	return h
}

// resourceSid returns the made-up SID of one of the two text messages behind an
// interaction. It is calculated from the interaction's SID and not stored.
func (m *message) resourceSid(inbound bool) string {
	if inbound {
		return "SM" + m.Sid[2:18] + "8" + m.Sid[19:]
	}
	return "SM" + m.Sid[2:]
}

// data returns the compact JSON text that the documentation shows. media_url is
// our addition, and only there if the message has media.
func (m *message) data() string {
	return string(encode(struct {
		Body      string   `json:"body"`
		MediaUrls []string `json:"media_url,omitempty"`
	}{m.Body, m.MediaUrls}))
}

// interaction finds the interaction that the path names.
func (f *Fake) interaction(c *call) (*message, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	return f.messageIn(c, "/Services/"+s.service.Sid+"/Sessions/"+s.Sid+"/Interactions",
		func(m *message) bool { return m.session == s })
}

// messageIn finds the message whose SID ends the path. has says which messages
// belong to the list at that path.
func (f *Fake) messageIn(c *call, list string, has func(*message) bool) (*message, error) {
	sid := c.path["Sid"]
	if !wellFormed("KI", sid) {
		return nil, refuse(400, 80403, "Invalid Interaction Sid")
	}
	m := f.world.messages[sid]
	if m == nil || !has(m) {
		return nil, notFound(list + "/" + sid)
	}
	return m, nil
}

func (f *Fake) listInteraction(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	path := "/v1/Services/" + s.service.Sid + "/Sessions/" + s.Sid + "/Interactions"
	return listPage(c, path, "interactions", s.Messages, func(m *message) interactionView { return f.viewInteraction(m, c) })
}

func (f *Fake) fetchInteraction(c *call) (any, error) {
	m, err := f.interaction(c)
	if err != nil {
		return nil, err
	}
	return f.viewInteraction(m, c), nil
}

func (f *Fake) deleteInteraction(c *call) (any, error) {
	m, err := f.interaction(c)
	if err != nil {
		return nil, err
	}
	s := m.session
	same := func(other *message) bool { return other == m }
	s.Messages = slices.DeleteFunc(s.Messages, same)
	if p := f.world.participants[m.Outbound]; p != nil {
		p.created = slices.DeleteFunc(p.created, same)
	}
	f.world.unlink(m)
	f.sessionChanged(s)
	return nil, nil
}

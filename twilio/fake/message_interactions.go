package fake

import (
	"strings"
	"time"
)

type messageInteractionView struct {
	Sid            string `json:"sid"`
	SessionSid     string `json:"session_sid"`
	ServiceSid     string `json:"service_sid"`
	AccountSid     string `json:"account_sid"`
	Data           string `json:"data"`
	Type           string `json:"type"`
	ParticipantSid string `json:"participant_sid"`
	sharedFields
}

func (f *Fake) viewMessageInteraction(m *message, c *call) messageInteractionView {
	p := f.world.participants[m.Outbound]
	return messageInteractionView{
		Sid: m.Sid, SessionSid: m.session.Sid, ServiceSid: m.session.service.Sid, AccountSid: f.account().Username,
		Data: m.data(), Type: "message", ParticipantSid: m.Outbound,
		sharedFields: m.sharedFields(p.url(c.base)+"/MessageInteractions/"+m.Sid, c.now),
	}
}

func (f *Fake) listMessageInteraction(c *call) (any, error) {
	p, err := f.participant(c)
	if err != nil {
		return nil, err
	}
	return listPage(c, p.url("")+"/MessageInteractions", "interactions", p.created,
		func(m *message) messageInteractionView { return f.viewMessageInteraction(m, c) })
}

func (f *Fake) fetchMessageInteraction(c *call) (any, error) {
	p, err := f.participant(c)
	if err != nil {
		return nil, err
	}
	m, err := f.messageIn(c, p.url("")+"/MessageInteractions",
		func(m *message) bool { return m.Outbound == p.Sid && m.Inbound == "" })
	if err != nil {
		return nil, err
	}
	return f.viewMessageInteraction(m, c), nil
}

// createMessageInteraction sends a message to the participant that the path names,
// from that participant's proxy identifier.
func (f *Fake) createMessageInteraction(c *call) (any, error) {
	p, err := f.participant(c)
	if err != nil {
		return nil, err
	}
	if !p.Deleted.IsZero() {
		return nil, notFound(p.url(""))
	}
	if err := p.session.checkTakesMessages(); err != nil {
		return nil, err
	}
	body, _ := c.form.text("Body", 0)
	var media []string
	for _, url := range c.form.values["MediaUrl"] {
		switch {
		case webURL(url):
			media = append(media, strings.Clone(url)) // else it keeps the whole form
		case url != "": // an empty one counts as not given
			c.form.fail("MediaUrl", "It must be an absolute http or https URL.")
		}
	}
	if body == "" && len(media) == 0 {
		c.form.fail("Body", "Body or MediaUrl is required.")
	}
	if c.form.err != nil {
		return nil, c.form.err
	}
	m := &message{record: f.newRecord("KI", c), Body: body, MediaUrls: media, Outbound: p.Sid,
		Life: f.lifeFor(p), exchange: c.number}
	if request := f.requests.find(c.number); request != nil {
		request.Message = m.Sid
	}
	f.accepted++
	f.addMessage(p.session, m, c.now)
	return f.viewMessageInteraction(m, c), nil
}

// addMessage puts a new message into a session and announces it.
func (f *Fake) addMessage(s *session, m *message, now time.Time) {
	f.world.addMessage(s, m)
	f.world.dropOldest()
	f.prune()
	s.recordInteraction(now)
	f.changed()
	f.feed.publish(Event{Type: "message", Service: s.service.Sid, Session: s.Sid, Message: m.Sid})
	f.scheduleNext(m, now)
	f.callback(m, now)
}

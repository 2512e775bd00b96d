package fake

import "strings"

type participantView struct {
	Sid                string            `json:"sid"`
	SessionSid         string            `json:"session_sid"`
	ServiceSid         string            `json:"service_sid"`
	AccountSid         string            `json:"account_sid"`
	FriendlyName       orNull            `json:"friendly_name"`
	Identifier         string            `json:"identifier"`
	ProxyIdentifier    orNull            `json:"proxy_identifier"`
	ProxyIdentifierSid orNull            `json:"proxy_identifier_sid"`
	DateDeleted        stamp             `json:"date_deleted"`
	DateCreated        stamp             `json:"date_created"`
	DateUpdated        stamp             `json:"date_updated"`
	Url                string            `json:"url"`
	Links              map[string]string `json:"links"`
}

func (f *Fake) viewParticipant(p *participant, base string) participantView {
	url := p.url(base)
	return participantView{
		Sid: p.Sid, SessionSid: p.session.Sid, ServiceSid: p.session.service.Sid, AccountSid: f.account().Username,
		FriendlyName: orNull(p.FriendlyName), Identifier: p.Identifier,
		ProxyIdentifier: orNull(p.ProxyIdentifier), ProxyIdentifierSid: orNull(p.ProxyIdentifierSid),
		DateDeleted: stamp(p.Deleted), DateCreated: stamp(p.Created), DateUpdated: stamp(p.Updated), Url: url,
		Links: map[string]string{"message_interactions": url + "/MessageInteractions"},
	}
}

// participant finds the participant that the path names, even if it was deleted.
func (f *Fake) participant(c *call) (*participant, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	sid, parent := c.path["ParticipantSid"]
	if !parent {
		sid = c.path["Sid"]
	}
	p := f.world.participants[sid]
	switch {
	case !wellFormed("KP", sid):
		return nil, refuse(400, 80405, "Invalid Participant Sid")
	case p == nil:
		return nil, notFound("/Services/" + s.service.Sid + "/Sessions/" + s.Sid + "/Participants/" + sid)
	case p.session != s:
		return nil, refuse(403, 80610, "Unauthorized. You may be trying to use an invalid combination of sids.")
	}
	return p, nil
}

func (f *Fake) listParticipant(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	path := "/v1/Services/" + s.service.Sid + "/Sessions/" + s.Sid + "/Participants"
	return listPage(c, path, "participants", s.Participants,
		func(p *participant) participantView { return f.viewParticipant(p, c.base) })
}

func (f *Fake) fetchParticipant(c *call) (any, error) {
	p, err := f.participant(c)
	if err != nil {
		return nil, err
	}
	return f.viewParticipant(p, c.base), nil
}

func (f *Fake) createParticipant(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	p := c.form.newParticipant()
	if c.form.err != nil {
		return nil, c.form.err
	}
	if err := f.admitParticipant(c, s, p, s.Participants); err != nil {
		return nil, err
	}
	p.record = f.newRecord("KP", c)
	f.world.addParticipant(s, p)
	f.sessionChanged(s)
	return f.viewParticipant(p, c.base), nil
}

// newParticipant reads the parameters of CreateParticipant.
func (p *params) newParticipant() *participant {
	var who participant
	who.Identifier = p.required("Identifier", 191)
	who.FriendlyName, _ = p.text("FriendlyName", 255)
	who.ProxyIdentifier, _ = p.text("ProxyIdentifier", 255)
	who.ProxyIdentifierSid, _ = p.sid("ProxyIdentifierSid", "PN")
	return &who
}

// admitParticipant checks that p may join a session that has these participants.
// It assigns p's proxy identifier.
func (f *Fake) admitParticipant(c *call, s *session, p *participant, present []*participant) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	if !reachable(p.Identifier) {
		return refuse(400, 80404, "Participant identifier provided does not appear to be a valid, reachable phone number.")
	}
	active := 0
	for _, other := range present {
		deleted := !other.Deleted.IsZero()
		if other.Identifier == p.Identifier && deleted {
			return refuse(400, 80612, "You may not add a participant with the same identifier as a previously removed participant.")
		}
		if other.Identifier == p.Identifier {
			return refuse(400, 80103, "Participant has already been added to the Session")
		}
		if !deleted {
			active++
		}
	}
	if active >= 2 {
		return refuse(400, 80609, "A Session may have at most 2 participants")
	}
	return f.assign(c, s.service, p)
}

// reachable accepts an E.164 number or a channel's identifier such as
// "messenger:123".
func reachable(identifier string) bool {
	channel, rest, found := strings.Cut(identifier, ":")
	return e164(identifier) || found && channel != "" && rest != "" && strings.Trim(channel, "abcdefghijklmnopqrstuvwxyz-") == ""
}

func (f *Fake) deleteParticipant(c *call) (any, error) {
	p, err := f.participant(c)
	if err != nil {
		return nil, err
	}
	if !p.Deleted.IsZero() {
		return nil, notFound(p.url(""))
	}
	p.Deleted, p.Updated = c.now, c.now
	f.sessionChanged(p.session)
	return nil, nil
}

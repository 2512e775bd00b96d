package fake

import (
	"encoding/json"
	"slices"
	"time"
)

type sessionView struct {
	Sid                 string            `json:"sid"`
	ServiceSid          string            `json:"service_sid"`
	AccountSid          string            `json:"account_sid"`
	DateStarted         stamp             `json:"date_started"`
	DateEnded           stamp             `json:"date_ended"`
	DateLastInteraction stamp             `json:"date_last_interaction"`
	DateExpiry          stamp             `json:"date_expiry"`
	UniqueName          orNull            `json:"unique_name"`
	Status              string            `json:"status"`
	ClosedReason        string            `json:"closed_reason"`
	Ttl                 int               `json:"ttl"`
	Mode                string            `json:"mode"`
	DateCreated         stamp             `json:"date_created"`
	DateUpdated         stamp             `json:"date_updated"`
	Url                 string            `json:"url"`
	Links               map[string]string `json:"links"`
}

func (f *Fake) viewSession(s *session, c *call) sessionView {
	f.expireIfDue(s, c.now)
	url := s.url(c.base)
	return sessionView{
		Sid: s.Sid, ServiceSid: s.service.Sid, AccountSid: f.account().Username,
		DateStarted: stamp(s.Started), DateEnded: stamp(s.Ended), DateLastInteraction: stamp(s.LastInteraction),
		DateExpiry: stamp(s.DateExpiry), UniqueName: orNull(s.UniqueName), Status: s.Status,
		ClosedReason: s.ClosedReason, Ttl: s.Ttl, Mode: s.Mode,
		DateCreated: stamp(s.Created), DateUpdated: stamp(s.Updated), Url: url,
		Links: map[string]string{"interactions": url + "/Interactions", "participants": url + "/Participants"},
	}
}

// session finds the session that the path names, and closes it if it has expired.
// In FetchSession, the path may also have the unique name.
func (f *Fake) session(c *call) (*session, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	sid, parent := c.path["SessionSid"]
	if !parent {
		sid = c.path["Sid"]
	}
	found := f.world.sessions[sid]
	if found == nil && c.op.id == "FetchSession" {
		found = s.names[sid]
	}
	switch {
	case found == nil && !wellFormed("KC", sid) && c.op.id != "FetchSession":
		return nil, refuse(400, 80409, "Invalid Session Sid")
	case found == nil:
		return nil, notFound("/Services/" + s.Sid + "/Sessions/" + sid)
	case found.service != s:
		return nil, refuse(403, 80610, "Unauthorized. You may be trying to use an invalid combination of sids.")
	}
	f.expireIfDue(found, c.now)
	return found, nil
}

func (f *Fake) listSession(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	return listPage(c, "/v1/Services/"+s.Sid+"/Sessions", "sessions", s.Sessions,
		func(s *session) sessionView { return f.viewSession(s, c) })
}

func (f *Fake) fetchSession(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	return f.viewSession(s, c), nil
}

func (f *Fake) createSession(c *call) (any, error) {
	parent, err := f.service(c)
	if err != nil {
		return nil, err
	}
	s := &session{Status: "open", Mode: "voice-and-message", Ttl: parent.DefaultTtl, Started: c.now, service: parent}
	s.UniqueName, _ = c.form.text("UniqueName", 191)
	if mode, given := c.form.oneOf("Mode", "message-only", "voice-only", "voice-and-message"); given {
		s.Mode = mode
	}
	if status, given := c.form.oneOf("Status", "open", "in-progress"); given {
		s.Status = status
	}
	s.readExpiry(c.form)
	people, err := f.readParticipants(c)
	if err != nil {
		return nil, err
	}
	if s.UniqueName != "" && parent.names[s.UniqueName] != nil {
		return nil, refuse(409, 80603, "A Session exists with the proposed UniqueName.")
	}
	for i, p := range people {
		if err := f.admitParticipant(c, s, p, people[:i]); err != nil {
			return nil, err
		}
	}
	s.record = f.newRecord("KC", c)
	f.world.addSession(parent, s)
	for _, p := range people {
		p.record = f.newRecord("KP", c)
		f.world.addParticipant(s, p)
	}
	f.sessionChanged(s)
	return f.viewSession(s, c), nil
}

// readParticipants reads the parameter Participants, which may be repeated. Each
// value is a JSON object with the parameters of CreateParticipant.
func (f *Fake) readParticipants(c *call) ([]*participant, error) {
	var people []*participant
	for _, value := range c.form.values["Participants"] {
		var fields struct{ Identifier, FriendlyName, ProxyIdentifier, ProxyIdentifierSid string }
		if json.Unmarshal([]byte(value), &fields) != nil {
			c.form.fail("Participants", "Each one must be a JSON object with an Identifier.")
			break
		}
		one := &params{values: map[string][]string{
			"Identifier": {fields.Identifier}, "FriendlyName": {fields.FriendlyName},
			"ProxyIdentifier": {fields.ProxyIdentifier}, "ProxyIdentifierSid": {fields.ProxyIdentifierSid},
		}}
		people = append(people, one.newParticipant())
		if c.form.err == nil {
			c.form.err = one.err
		}
	}
	return people, c.form.err
}

func (s *session) readExpiry(p *params) {
	if ttl, given := p.natural("Ttl"); given {
		s.Ttl = ttl
	}
	if at, given := p.date("DateExpiry"); given {
		s.DateExpiry = at
	}
}

func (f *Fake) updateSession(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	changed := *s
	status, given := c.form.oneOf("Status", "open", "in-progress", "closed", "failed", "unknown")
	changed.readExpiry(c.form)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case s.Status == "closed" && !given:
		return nil, s.checkOpen()
	case given && s.Status == "closed" && status == "in-progress":
		if err := f.reopen(c, &changed); err != nil {
			return nil, err
		}
	case given && s.Status != "closed" && status == "closed":
		changed.Status, changed.ClosedReason, changed.Ended = "closed", "api", c.now
	case given && (status != s.Status || status == "closed"):
		return nil, refuse(400, 80608, "Session status change not supported")
	}
	*s = changed
	s.Updated = c.now
	f.sessionChanged(s)
	return f.viewSession(s, c), nil
}

// reopen opens a closed session again. Its time to live starts now, and a past
// date of expiry is removed.
func (f *Fake) reopen(c *call, s *session) error {
	for _, p := range s.Participants {
		holder := s.service.holders[pairing{p.Identifier, p.ProxyIdentifier}]
		if p.Deleted.IsZero() && holder != p && f.holds(holder, c.now) {
			return refuse(400, 80801, "Participant is active in another Session")
		}
	}
	for _, p := range s.Participants {
		if p.Deleted.IsZero() {
			s.service.holders[pairing{p.Identifier, p.ProxyIdentifier}] = p
		}
	}
	s.Status, s.ClosedReason, s.Ended, s.Started = "in-progress", "", time.Time{}, c.now
	if !s.DateExpiry.After(c.now) {
		s.DateExpiry = time.Time{}
	}
	return nil
}

func (f *Fake) deleteSession(c *call) (any, error) {
	s, err := f.session(c)
	if err != nil {
		return nil, err
	}
	f.world.forgetSession(s)
	s.service.Sessions = slices.DeleteFunc(s.service.Sessions, func(other *session) bool { return other == s })
	f.sessionChanged(s)
	return nil, nil
}

package fake

import "time"

func (f *Fake) pageSession(c *session, now time.Time) pageSession {
	f.expireIfDue(c, now)
	view := pageSession{Seq: c.Seq, Sid: c.Sid, ServiceSid: c.service.Sid, UniqueName: c.UniqueName, Status: c.Status,
		ClosedReason: c.ClosedReason, Mode: c.Mode, Created: c.Created, Messages: len(c.Messages),
		Participants: []pageParticipant{}}
	if !c.LastInteraction.IsZero() {
		at := c.LastInteraction
		view.LastInteraction = &at
	}
	for _, p := range c.Participants {
		view.Participants = append(view.Participants,
			pageParticipant{p.Sid, p.Identifier, p.FriendlyName, p.ProxyIdentifier, !p.Deleted.IsZero()})
	}
	if n := len(c.Messages); n > 0 {
		last := f.pageMessage(c.Messages[n-1], now)
		view.Last = &last
	}
	return view
}

func (f *Fake) pageMessage(m *message, now time.Time) pageMessage {
	view := pageMessage{Seq: m.Seq, Sid: m.Sid, Body: m.Body, MediaUrls: m.MediaUrls, From: m.Inbound, To: m.Outbound,
		Status: "received", Created: m.Created, Updated: m.Created, Exchange: f.requests.find(m.exchange) != nil}
	if m.Outbound != "" {
		view.Status, view.Updated, _ = m.Life.at(m.Created, now)
		view.ErrorCode = m.Life.code(view.Status)
	}
	return view
}

package fake

import "time"

// expiry is when a session that is not closed will expire; zero = never. A
// date of expiry overrides the time to live, which counts from the session's
// start or its last interaction.
func (s *session) expiry() time.Time {
	if !s.DateExpiry.IsZero() {
		return s.DateExpiry
	}
	if s.Ttl == 0 {
		return time.Time{}
	}
	from := s.Started
	if s.LastInteraction.After(from) {
		from = s.LastInteraction
	}
	return from.Add(time.Duration(s.Ttl) * time.Second)
}

// settle closes a session whose time has come.
func (f *Fake) settle(s *session, now time.Time) {
	at := s.expiry()
	if s.Status == "closed" || at.IsZero() || now.Before(at) {
		return
	}
	s.Status, s.ClosedReason, s.Ended, s.Updated = "closed", "expired", at, at
	f.sessionChanged(s)
}

// ended refuses a session that takes no change because it is closed.
func (s *session) ended() error {
	switch {
	case s.Status != "closed":
		return nil
	case s.ClosedReason == "expired":
		return refuse(400, 80904, "Session has expired")
	default:
		return refuse(400, 80607, "Session is closed and cannot be updated")
	}
}

// usable refuses a session that takes no messages.
func (s *session) usable() error {
	if err := s.ended(); err != nil {
		return err
	}
	if s.Mode == "voice-only" {
		return refuse(400, 80910, "Message to voice-only session rejected.")
	}
	return nil
}

// touched notes an interaction: the first one puts an open session in progress.
func (s *session) touched(now time.Time) {
	s.LastInteraction, s.Updated = now, now
	if s.Status == "open" {
		s.Status = "in-progress"
	}
}

func (f *Fake) sessionChanged(s *session) {
	f.changed()
	f.feed.publish(Event{Type: "session", Service: s.service.Sid, Session: s.Sid})
}

func (w *world) forgetSession(s *session) {
	for _, m := range s.Messages {
		delete(w.messages, m.Sid)
	}
	for _, p := range s.Participants {
		delete(w.participants, p.Sid)
	}
	delete(w.sessions, s.Sid)
	delete(s.service.names, s.UniqueName)
}

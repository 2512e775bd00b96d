package fake

import "time"

// expiry returns when an open session expires; zero = never. A date of expiry
// overrides the time to live, which counts from the session's start or its last
// interaction.
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

// expireIfDue closes a session that has expired by now.
func (f *Fake) expireIfDue(s *session, now time.Time) {
	at := s.expiry()
	if s.Status == "closed" || at.IsZero() || now.Before(at) {
		return
	}
	s.Status, s.ClosedReason, s.Ended, s.Updated = "closed", "expired", at, at
	f.sessionChanged(s)
}

// checkOpen returns an error if the session is closed.
func (s *session) checkOpen() error {
	switch {
	case s.Status != "closed":
		return nil
	case s.ClosedReason == "expired":
		return refuse(400, 80904, "Session has expired")
	default:
		return refuse(400, 80607, "Session is closed and cannot be updated")
	}
}

// checkTakesMessages returns an error if the session is closed or voice-only.
func (s *session) checkTakesMessages() error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	if s.Mode == "voice-only" {
		return refuse(400, 80910, "Message to voice-only session rejected.")
	}
	return nil
}

// recordInteraction updates the session's dates. The first interaction puts an
// open session in progress.
func (s *session) recordInteraction(now time.Time) {
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
		w.unlink(m)
	}
	for _, p := range s.Participants {
		delete(w.participants, p.Sid)
		w.forgetPairings(p)
	}
	delete(w.sessions, s.Sid)
	delete(s.service.names, s.UniqueName)
}

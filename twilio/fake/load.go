package fake

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// load builds a new world from a document. It replaces the present world only if
// the whole document is valid. The caller holds the lock.
func (f *Fake) load(data []byte) error {
	var doc document
	if err := readJSON(bytes.NewReader(data), &doc); err != nil {
		return fmt.Errorf("the document cannot be read: %w", err)
	}
	clock := f.clock.with(doc.Clock)
	l := loader{world: f.newWorld(), now: clock.now()}
	l.world.minted = doc.Minted
	for _, s := range doc.Services {
		l.service(s)
	}
	if l.err != nil {
		return l.err
	}
	l.world.sort()
	l.world.relink()
	f.clock, f.world, f.accepted = clock, l.world, doc.Accepted
	f.rescheduleAll()
	return nil
}

// A loader completes the records of a document and adds them to a world. err is
// the first problem found.
type loader struct {
	world *world
	now   time.Time
	err   error
}

func (l *loader) check(ok bool, format string, args ...any) bool {
	if !ok && l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
	return l.err == nil
}

// record completes the fields that all resources share. A missing sequence number,
// or one that was never given out, becomes the next free one. exists says that the
// world already has a record with this SID.
func (l *loader) record(prefix string, r *record, exists bool) bool {
	if r.Seq == 0 || r.Seq > l.world.minted {
		r.Seq = l.world.next()
	}
	if r.Sid == "" {
		r.Sid = l.world.mint(prefix, r.Seq)
	}
	if r.Created.IsZero() {
		r.Created = l.now
	}
	if r.Updated.IsZero() && prefix != "KI" {
		r.Updated = r.Created
	}
	l.dates(r.Sid, &r.Created, &r.Updated)
	return l.check(wellFormed(prefix, r.Sid), "%q is not a SID that begins with %s", r.Sid, prefix) &&
		l.check(!exists, "%s is there twice", r.Sid)
}

// dates converts the dates of a record to UTC. Their year must have four digits,
// because the API and the state file cannot write any other.
func (l *loader) dates(sid string, dates ...*time.Time) {
	for _, d := range dates {
		*d = d.UTC()
		l.check(d.Year() >= 1 && d.Year() <= 9999, "%s has a date outside the years 1 to 9999", sid)
	}
}

func (l *loader) service(s *service) {
	if !l.check(s != nil, "a service is null") || !l.record("KS", &s.record, l.world.bySid[s.Sid] != nil) {
		return
	}
	l.check(s.UniqueName != "" && l.world.names[s.UniqueName] == nil, "service %s needs a unique_name of its own", s.Sid)
	if s.GeoMatchLevel == "" {
		s.GeoMatchLevel = "country"
	}
	if s.NumberSelectionBehavior == "" {
		s.NumberSelectionBehavior = "prefer-sticky"
	}
	numbers, sessions := s.Numbers, s.Sessions
	s.Numbers, s.Sessions = nil, nil
	l.world.addService(s)
	for _, n := range numbers {
		if l.check(n != nil, "a phone number is null") && l.record("PN", &n.record, l.world.numbers[n.Sid] != nil) {
			l.check(e164(n.PhoneNumber), "phone number %s has no phone_number in E.164 form", n.Sid)
			l.world.addNumber(s, n)
		}
	}
	for _, c := range sessions {
		l.session(s, c)
	}
}

func (l *loader) session(s *service, c *session) {
	if !l.check(c != nil, "a session is null") || !l.record("KC", &c.record, l.world.sessions[c.Sid] != nil) {
		return
	}
	l.check(c.UniqueName == "" || s.names[c.UniqueName] == nil, "session %s has the unique_name of another", c.Sid)
	if c.Status == "" {
		c.Status = "open"
	}
	if c.Mode == "" {
		c.Mode = "voice-and-message"
	}
	l.check(slices.Contains([]string{"open", "in-progress", "closed", "failed", "unknown"}, c.Status), "session %s has an unknown status", c.Sid)
	l.check(slices.Contains([]string{"message-only", "voice-only", "voice-and-message"}, c.Mode), "session %s has an unknown mode", c.Sid)
	if c.Started.IsZero() {
		c.Started = c.Created
	}
	l.dates(c.Sid, &c.Started, &c.DateExpiry, &c.Ended, &c.LastInteraction)
	active := 0
	people, messages := c.Participants, c.Messages
	c.Participants, c.Messages = nil, nil
	l.world.addSession(s, c)
	l.asFake().expireIfDue(c, l.now)
	for _, p := range people {
		if l.check(p != nil, "a participant is null") && l.record("KP", &p.record, l.world.participants[p.Sid] != nil) {
			l.participant(c, p)
			if p.Deleted.IsZero() {
				active++
			}
		}
	}
	l.check(active <= 2, "session %s has more than 2 participants", c.Sid)
	for _, m := range messages {
		if l.check(m != nil, "a message is null") && l.record("KI", &m.record, l.world.messages[m.Sid] != nil) {
			l.message(c, m)
		}
	}
}

func (l *loader) participant(c *session, p *participant) {
	l.dates(p.Sid, &p.Deleted)
	l.check(reachable(p.Identifier), "participant %s needs an identifier that can be reached, such as +15550100001", p.Sid)
	if p.ProxyIdentifier == "" && l.err == nil {
		if err := l.asFake().assign(&call{now: l.now}, c.service, p); err != nil {
			l.check(false, "participant %s: %w", p.Sid, err)
		}
	}
	l.world.addParticipant(c, p)
}

// asFake returns a fake with the new world, so that the loader can use its
// methods.
func (l *loader) asFake() *Fake { return &Fake{world: l.world} }

func (l *loader) message(c *session, m *message) {
	for _, sid := range []string{m.Inbound, m.Outbound} {
		p := l.world.participants[sid]
		l.check(sid == "" || p != nil && p.session == c, "message %s names a participant that is not in its session", m.Sid)
	}
	l.check(m.Inbound != "" || m.Outbound != "", "message %s names no participant", m.Sid)
	if m.Life == nil {
		m.Life = &life{Final: "delivered"}
	}
	m.Life = l.world.sharedLife(*m.Life)
	l.world.addMessage(c, m)
}

// sort puts every list in the order of the sequence numbers. Paging needs this
// order, and a document that was written by hand may have another.
func (w *world) sort() {
	slices.SortStableFunc(w.services, bySeq)
	for _, s := range w.services {
		slices.SortStableFunc(s.Numbers, bySeq)
		slices.SortStableFunc(s.Sessions, bySeq)
		for _, c := range s.Sessions {
			slices.SortStableFunc(c.Participants, bySeq)
			slices.SortStableFunc(c.Messages, bySeq)
			for _, p := range c.Participants {
				slices.SortStableFunc(p.created, bySeq)
			}
		}
	}
}

func bySeq[T sequenced](a, b T) int { return cmp.Compare(a.seq(), b.seq()) }

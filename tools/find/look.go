package find

import (
	"context"
	"slices"
	"strings"

	"twilio-proxy-mcp/schema"
)

// The bounds of what is kept of one look are our choice. At least one page of the call's is for each Session that is looked
// into. Two live Participants are in a Session.
const (
	maxConversations = maxPages
	maxPeople        = 1000
	maxCandidates    = 5
	pagesForPeople   = 2 * maxCandidates // that the search for the Session leaves
)

// A look is the search for one participant. It keeps only what fits best so far.
type look struct {
	*search
	service schema.ServiceSid
	in      FindParticipant

	sessions      int // how many were compared
	conversations []conversation
	sessionRank   rank        // of the conversations
	people        []Candidate // who fit best in each of them
	here          int         // where those of the conversation begin that is looked into
	partly        bool        // not all people are there, because anybody fits
	unread        []string    // why that was not all, a sentence each
}

// findSessions looks for the Session, by its SID or its exact unique name with one request, and otherwise in the list.
func (l *look) findSessions(ctx context.Context) error {
	name := l.in.Session
	sid, notSid := schema.ParseSid[schema.KC](strings.TrimSpace(name))
	if notSid == nil {
		name = sid.String()
	}
	session, head, err := l.Client.FetchSession(ctx, l.service, name)
	l.answered(head)
	switch {
	case err == nil:
		l.sessions++
		l.keep(session, exact)
		return nil
	case notSid == nil && isGone(err):
		return nil
	case notSid == nil || !noSuchName(err):
		return err
	}
	return l.scan(ctx)
}

func (l *look) scan(ctx context.Context) error {
	scanning, stop := within(ctx, maxReading) // so that there is time for the Participants
	defer stop()
	name := ask(l.in.Session)
	err := eachOf(scanning, l.search, l.Client.ListSessions(scanning, l.service, l.paging()), func(s *schema.Session) bool {
		l.sessions++
		fit := unlike
		if s.UniqueName != nil {
			fit = name.rank(*s.UniqueName)
		}
		l.keep(s, fit)
		return fit != exact // which no other Session of the Service can have
	})
	if len(l.conversations) > maxConversations {
		l.conversations = l.conversations[:maxConversations]
		l.unread = append(l.unread, "More than 150 Sessions fit, and the others were left out.")
	}
	return err
}

// keep takes a Session that fits as well as the best so far, and lets go of those that fit less.
func (l *look) keep(s *schema.Session, fit rank) {
	if fit > l.sessionRank || fit == unlike {
		return
	}
	if fit < l.sessionRank {
		l.sessionRank, l.conversations = fit, nil
	}
	known := slices.ContainsFunc(l.conversations, func(c conversation) bool { return c.sid == *s.Sid })
	if !known && len(l.conversations) <= maxConversations { // one more tells that there are more
		l.conversations = append(l.conversations, conversationOf(l.service, s))
	}
}

// findPeople looks for the Participant in the Sessions that fit.
func (l *look) findPeople(ctx context.Context) error {
	l.left += pagesForPeople
	sortByUse(l.conversations, l.now)
	who := askPerson(l.in.Participant)
	for i := range l.conversations {
		switch {
		case who.anybody && l.live() > maxCandidates: // they are of the best Sessions, and nobody has to be told from others
			l.partly = true
			return nil
		case len(l.people) > 0 && l.people[0].fit == exact: // nobody else has the SID
			return nil
		}
		l.here = len(l.people)
		err := l.peopleOf(ctx, &l.conversations[i], who)
		switch {
		case err != nil && i == 0:
			return err
		case err != nil:
			l.cut = cutBecause(ctx, err)
		}
		if l.cut != "" {
			if i+1 < len(l.conversations) {
				l.cut += " Not all of the Sessions that fit were looked into."
			}
			return nil
		}
	}
	return nil
}

func (l *look) live() (n int) {
	for _, c := range l.people {
		if !c.deleted {
			n++
		}
	}
	return n
}

// peopleOf looks into one Session.
func (l *look) peopleOf(ctx context.Context, c *conversation, who person) error {
	sid, notSid := schema.ParseSid[schema.KP](strings.TrimSpace(who.text))
	if notSid != nil {
		err := eachOf(ctx, l.search, l.Client.ListParticipants(ctx, l.service, c.sid, l.paging()), func(p *schema.Participant) bool {
			l.add(c, p, who.rank(p))
			return true
		})
		if isGone(err) { // the Session was deleted meanwhile
			return nil
		}
		return err
	}
	if l.left <= 0 {
		l.cut = cutPages
		return nil
	}
	l.left--
	p, head, err := l.Client.FetchParticipant(ctx, l.service, c.sid, sid)
	l.answered(head)
	switch {
	case err == nil:
		l.add(c, p, exact)
	case isGone(err): // somebody in another Session
		return nil
	}
	return err
}

// add takes somebody who fits as well as the best so far in the conversation. How well a name fits does not choose between
// conversations.
func (l *look) add(c *conversation, p *schema.Participant, fit rank) {
	here := l.people[l.here:]
	if fit == unlike || len(here) > 0 && fit > here[0].fit {
		return
	}
	if len(here) > 0 && fit < here[0].fit {
		l.people, here = l.people[:l.here], nil
	}
	switch {
	case slices.ContainsFunc(here, func(known Candidate) bool { return *known.ParticipantSid == *p.Sid }):
	case len(l.people) >= maxPeople:
		l.cut = "More than 1000 Participants fit, and the others were left out."
	default:
		someone := l.candidate(c, p, l.now)
		someone.fit = fit
		l.people = append(l.people, someone)
	}
}

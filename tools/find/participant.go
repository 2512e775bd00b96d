package find

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
)

// FindParticipant asks whom to text.
type FindParticipant struct {
	Session     string `json:"Session" jsonschema:"maxLength=191" jsonschema_description:"SID (KC...) or name of the conversation, such as order 1234. At most 191 characters."`
	Participant string `json:"Participant,omitempty" jsonschema:"maxLength=255" jsonschema_description:"SID (KP...), friendly name or words of it (driver), phone number or its last four digits; at most 255 characters. Without it: everybody in the Session."`
	Service     string `json:"Service,omitempty" jsonschema:"maxLength=191" jsonschema_description:"SID (KS...) or unique name, at most 191 characters. Only needed if there are several."`
}

// Rules is that there is something to look for. Every list would be read for a Session without a name.
func (FindParticipant) Rules() []schema.Rule {
	return []schema.Rule{func(object map[string]any) []string {
		if name, isText := object["Session"].(string); isText && strings.TrimSpace(name) == "" {
			return []string{"Session: is empty, must be the SID or the name of a Session"}
		}
		return nil
	}}
}

// Found is the answer.
type Found struct {
	Match      string      `json:"match" jsonschema:"enum=one,enum=several,enum=none"`
	Candidates []Candidate `json:"candidates"`
	Searched   Searched    `json:"searched"`
}

// Searched is how much was read.
type Searched struct {
	Sessions int  `json:"sessions"`
	Pages    int  `json:"pages"`
	Complete bool `json:"complete" jsonschema_description:"false: others may fit."`
}

// FindParticipant is the tool that finds whom to text.
func (f *Finder) FindParticipant() tools.Definition[FindParticipant, Found] {
	return tools.Definition[FindParticipant, Found]{
		Name:  "find_participant",
		Title: "Find a Proxy participant",
		Description: "Find whom to text: from names to ServiceSid, SessionSid and ParticipantSid. Use it first when you have no SIDs. " +
			"match one: send to that candidate. " +
			"several: show the candidates to the user and ask which one; never choose yourself. " +
			"none: read the notice. If sendable is false, do not send; why_not tells the reason. Case and punctuation of names do not matter.",
		Effect: tools.Reads,
		Run:    f.findParticipant,
	}
}

func (f *Finder) findParticipant(ctx context.Context, call *tools.Call, in FindParticipant) (Found, error) {
	s, reading, stop := f.begin(ctx, call)
	defer stop()
	s.left -= pagesForPeople
	service, err := s.service(reading, in.Service)
	if err != nil {
		return Found{}, err
	}
	call.Log(slog.String("service_sid", service.String()))
	l := &look{search: s, service: service, in: in, sessionRank: unlike}
	for _, step := range []func(context.Context) error{l.findSessions, l.findPeople} {
		if err := step(reading); err != nil {
			return Found{}, failedIn(reading, err, service)
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return Found{}, failed(ctx, ctx.Err())
		}
		if l.cut != "" {
			l.unread, l.cut = append(l.unread, l.cut), ""
		}
	}
	found := l.found()
	call.Log(slog.String("match", found.Match), slog.Int("sessions", l.sessions), slog.Int("pages", s.pages), slog.Bool("complete", found.Searched.Complete))
	if notice := l.notice(found); notice != "" {
		call.Note(notice)
	}
	return found, nil
}

// found is the answer. Those who were deleted are left out of a Session where somebody fits who was not, and those who fit
// loosely, where anybody fits better.
func (l *look) found() Found {
	live, best := map[schema.SessionSid]bool{}, loose
	for _, c := range l.people {
		if best = min(best, c.fit); !c.deleted {
			live[*c.SessionSid] = true
		}
	}
	l.people = slices.DeleteFunc(l.people, func(c Candidate) bool {
		return c.deleted && live[*c.SessionSid] || c.fit == loose && best != loose
	})
	slices.SortStableFunc(l.people, byUse)
	found := Found{Match: "several", Searched: Searched{l.sessions, l.pages, len(l.unread) == 0}}
	found.Candidates = append([]Candidate{}, l.people[:min(len(l.people), maxCandidates)]...)
	switch {
	case len(l.people) == 0:
		found.Match = "none"
	case len(l.people) == 1 && found.Searched.Complete && !l.fitsLoosely():
		found.Match = "one"
	}
	return found
}

// fitsLoosely reports whether a person has to confirm what was found.
func (l *look) fitsLoosely() bool {
	return l.sessionRank == loose || len(l.people) > 0 && l.people[0].fit == loose
}

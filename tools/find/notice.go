package find

import (
	"fmt"
	"strings"

	"twilio-proxy-mcp/schema"
)

// notice says to the model what the answer means and what to do next. Nothing that was asked for or found is repeated in it.
func (l *look) notice(found Found) string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if !found.Searched.Complete {
		say("Not everything was read. %s", strings.Join(l.unread, " "))
	}
	switch found.Match {
	case "none":
		say("%s", l.whyNone(found.Searched.Complete))
	case "several":
		const order = "first those who can be texted, then by the newest interaction."
		if l.partly {
			say("%d Sessions fit. Here are %d of the people in them: "+order, len(l.conversations), len(found.Candidates))
		} else if len(l.people) > len(found.Candidates) {
			say("%d people fit. Here are %d of them: "+order, len(l.people), len(found.Candidates))
		}
		if l.fitsLoosely() {
			say("The names are not quite those that were asked for: words in front are missing, or a number may belong to something else.")
		}
		if !found.Searched.Complete {
			say("Others may fit as well. Call again with the exact unique name or SID of the Session, or have the user confirm who is meant before anything is sent.")
		} else {
			say("Ask the user who is meant; do not choose yourself. Then go on with that candidate, or call again with a more exact name.")
		}
	case "one":
		if !found.Candidates[0].Sendable {
			say("This person cannot be texted now (%s). Do not send; tell the user.", *found.Candidates[0].WhyNot)
		}
	}
	return strings.Join(all, " ")
}

// whyNone says what was compared, and how to go on.
func (l *look) whyNone(complete bool) string {
	compared := fmt.Sprintf("The unique names of the Sessions in Service %s were compared (%d), and none has all the words that were asked for.", l.service, l.sessions)
	next := "Ask the user for the unique name of the Session (one without is found by its SID only), or call list_sessions to see which there are."
	_, notSid := schema.ParseSid[schema.KC](strings.TrimSpace(l.in.Session))
	switch {
	case len(l.conversations) > 0 && l.in.Participant == "":
		compared, next = "There is nobody in the Sessions that fit.", "Tell the user."
	case len(l.conversations) > 0:
		compared = fmt.Sprintf("%d found by the name or SID of the Session, and nobody in there fits: SIDs, friendly names, identifiers and their last four digits were compared.", len(l.conversations))
		next = "Call again without Participant to see who is in there."
	case notSid == nil:
		compared = fmt.Sprintf("Service %s has no Session with this SID.", l.service)
		next = "Check the SID and the Service with the user, or call again with the name of the Session."
	}
	if !complete {
		compared = "So this does not mean that there is none. So far: " + compared
		next += " An exact unique name or a SID is found without reading the list."
	}
	return compared + " " + next
}

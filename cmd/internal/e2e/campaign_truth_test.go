//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// A truth is what happened in a campaign, in order: what callers asked and heard, what the upstream got and accepted,
// who was killed. It compares each event with those before it and keeps what must not be.
type truth struct {
	mu     sync.Mutex
	began  time.Time
	now    int // the number of the latest event
	events []happened
	groups map[string]*group
	broken []string

	tampered int // the latest event by which the ledger may have lost something
}

type happened struct {
	group *group // nil for what concerns all
	text  string
}

// A group is the intentions of one text to one participant. The upstream cannot tell them from each other.
type group struct {
	number            int
	body, participant string
	intentions        []*intention
	requests          int
	open              int // requests whose answer was not a plain refusal, so that nobody may say "not sent" by itself
	accepted          []message
	believed          int // answers that look like an acceptance and are none; see the rows below
}

// A message is one that the upstream accepted.
type message struct {
	arrived int // the event with which its request came
	sid     string
}

// An intention is one message that somebody wants, once.
type intention struct {
	*group
	key     string
	calls   []*call
	retired bool // its ledger was given up, so nobody repeats it
}

type call struct {
	begun, ended int // events; ended is 0 while it is under way
	answered     bool
	outcome      outcome
	sid          string

	// The rows of the README's table that let an answer differ from what the upstream did or what was said before:
	warned     bool // "the same, after the message went out": sent, with a warning; the ledger may forget that
	unusable   bool // "the ledger is full, read-only, locked, damaged, emptied or gone": this call sent nothing, whatever the others did
	inProgress bool // another call was sending it and did not end in time; what it tells later may be "no"
	// The row "2xx with an unreadable body" is group.believed: a 2xx with a sign of the API counts as accepted.
}

func newTruth() *truth { return &truth{began: time.Now(), groups: map[string]*group{}} }

func groupName(participant, body string) string { return participant + " " + body }

func (tr *truth) add(g *group) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.groups[groupName(g.participant, g.body)] = g
}

// note adds an event, with the truth locked.
func (tr *truth) note(g *group, format string, values ...any) int {
	tr.now++
	text := fmt.Sprintf("%5d %7.3fs  %s", tr.now, time.Since(tr.began).Seconds(), fmt.Sprintf(format, values...))
	tr.events = append(tr.events, happened{g, text})
	return tr.now
}

// all notes an event that concerns every intention.
func (tr *truth) all(format string, values ...any) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.note(nil, format, values...)
}

func (tr *truth) tamper(format string, values ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.tampered = tr.note(nil, format, values...)
}

// must keeps a rule that does not hold, the first with the whole story of its intention.
func (tr *truth) must(holds bool, g *group, rule string, values ...any) {
	if holds {
		return
	}
	text := fmt.Sprintf(rule, values...) + fmt.Sprintf("\n%q to %s", g.body, g.participant)
	if len(tr.broken) == 0 {
		for _, e := range tr.events {
			if e.group == g || e.group == nil {
				text += "\n" + e.text
			}
		}
	}
	tr.broken = append(tr.broken, text)
}

func (tr *truth) isBroken() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.broken) > 0
}

func (i *intention) String() string {
	if i.key == "" {
		return "call"
	}
	return "call with key " + i.key
}

func (tr *truth) begin(i *intention, server string) *call {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c := &call{begun: tr.note(i.group, "%v: begun at %s", i, server)}
	i.calls = append(i.calls, c)
	return c
}

// unanswered ends a call whose caller heard nothing that is an outcome.
func (tr *truth) unanswered(i *intention, c *call, why error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c.ended = tr.note(i.group, "%v (begun %d): no answer: %v", i, c.begun, why)
	network, ok := errors.AsType[net.Error](why)
	tr.must(!errors.Is(why, errNoAnswer) && !(ok && network.Timeout()), i.group, "NO ANSWER WITHIN A MINUTE")
}

// arrive notes a request for a message, before anything is done with it. It returns nil for a message that nobody wants.
func (tr *truth) arrive(participant, body, server string) (g *group, n, at int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if g = tr.groups[groupName(participant, body)]; g == nil {
		tr.must(false, &group{body: body, participant: participant}, "nobody asked for this message")
		return nil, 0, 0
	}
	g.requests++
	return g, g.requests, tr.note(g, "upstream: request %d, of %s", g.requests, server)
}

// drawn notes what becomes of a request; g is nil for a list.
func (tr *truth) drawn(g *group, f fault, isFault bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if isFault {
		tr.note(g, "upstream: fault: %s", f.name)
	}
	if g != nil && !f.refuses {
		g.open++
	}
}

// accept notes a message, with the truth locked since before the upstream made it.
func (tr *truth) accept(g *group, arrived int, sid string) {
	tr.note(g, "upstream: accepted %s", sid)
	g.accepted = append(g.accepted, message{arrived, sid})
	tr.must(len(g.accepted) <= len(g.intentions), g, "SENT TWICE: %d messages for %d intentions", len(g.accepted), len(g.intentions))
}

// mayBeOf says whether this call can have sent the message: it was under way when the request came, or nobody knows when
// it ended.
func (m message) mayBeOf(c *call) bool {
	return c.begun < m.arrived && (!c.answered || c.ended > m.arrived)
}

// hear notes what a caller was told, and compares it.
func (tr *truth) hear(i *intention, c *call, a answer) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c.answered, c.outcome = true, a.kind()
	text := a.text()
	c.warned = strings.Contains(text, "could not record that")
	c.unusable = c.outcome.Code == "try_later" && strings.Contains(text, "The ledger, in which every send is recorded")
	c.inProgress = strings.Contains(text, "is being sent by another call")
	var receipt receipt
	json.Unmarshal(a.Result.Structured, &receipt)
	c.sid = receipt.Sid
	c.ended = tr.note(i.group, "%v (begun %d): %+v %s", i, c.begun, c.outcome, c.sid)
	if c.outcome.Sent != "yes" {
		tr.events[len(tr.events)-1].text += ": " + text
	}
	switch c.outcome.Sent {
	case "yes":
		tr.heardYes(i, c)
		tr.must(receipt.isOf(i), i.group, "A RECEIPT OF ANOTHER MESSAGE: %s", a.Result.Structured)
	case "no":
		tr.heardNo(i, c)
	case "unknown":
		for _, before := range i.before(c) {
			tr.must(before.outcome.Sent != "yes" || before.warned || tr.tampered > before.ended, i.group, "SENT, THEN UNKNOWN: event %d said it was sent", before.ended)
		}
	}
	allowed := []string{"sent yes", "outcome_unknown unknown", "try_later no", "refused no"}
	tr.must(slices.Contains(allowed, c.outcome.Code+" "+c.outcome.Sent), i.group, "NO ANSWER THAT FITS: %s", text)
}

// before returns the answered calls that had ended when this one began.
func (i *intention) before(c *call) (ended []*call) {
	for _, other := range i.calls {
		if other.answered && other.ended < c.begun {
			ended = append(ended, other)
		}
	}
	return ended
}

func (tr *truth) heardYes(i *intention, c *call) {
	told, fresh := 0, 0
	for _, twin := range i.intentions {
		isTold := func(c *call) bool { return c.outcome.Sent == "yes" }
		if slices.ContainsFunc(twin.calls, isTold) {
			told++
		}
		for _, other := range twin.calls {
			tr.must(twin == i || c.sid == "" || c.sid != other.sid, i.group, "ONE MESSAGE IS THE RECEIPT OF TWO")
		}
	}
	tr.must(told <= len(i.accepted)+i.believed, i.group, "SAID TO BE SENT, AND WAS NOT: %d intentions are said to be sent, %d messages were accepted", told, len(i.accepted))
	isIts := func(m message) bool { return m.sid == c.sid && slices.ContainsFunc(i.calls, m.mayBeOf) }
	tr.must(c.sid == "" || slices.ContainsFunc(i.accepted, isIts), i.group, "THE SID OF ANOTHER MESSAGE: %s", c.sid)
	for _, other := range i.calls {
		if other.outcome.Sent == "yes" && !other.outcome.Replayed && !other.outcome.Reconciled {
			fresh++
		}
		tr.must(c.sid == "" || other.sid == "" || c.sid == other.sid, i.group, "TWO RECEIPTS: %s and %s", other.sid, c.sid)
	}
	tr.must(fresh <= 1, i.group, "ANSWERED AS NEW TWICE")
}

// heardNo compares a "nothing was sent". The upstream may still have accepted the message for a call that began later. An
// unknown outcome becomes a "no" only where no request went out or each was refused: a server that lost its database in
// the middle of a claim learns so much later.
func (tr *truth) heardNo(i *intention, c *call) {
	if c.unusable {
		return
	}
	for _, before := range i.before(c) {
		learned := before.outcome.Sent == "unknown" && (before.inProgress || i.open == 0 || len(i.intentions) > 1)
		tr.must(before.outcome.Sent == "no" || learned, i.group, "TOLD OTHERWISE BEFORE: event %d said %s", before.ended, before.outcome.Sent)
	}
	early := func(m message) bool { return m.arrived < c.begun }
	tr.must(len(i.intentions) > 1 || !slices.ContainsFunc(i.accepted, early), i.group, "SAID TO BE NOT SENT, AND WAS")
}

//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// A receipt is the fields that say which message it is of. Twilio may leave out any.
type receipt struct {
	Sid         string
	Data        string
	Service     string `json:"service_sid"`
	Session     string `json:"session_sid"`
	Participant string `json:"participant_sid"`
}

func (r receipt) isOf(i *intention) bool {
	data := struct{ Body string }{i.body}
	json.Unmarshal([]byte(r.Data), &data)
	isOr := func(field, wanted string) bool { return field == "" || field == wanted }
	return data.Body == i.body && isOr(r.Service, fake.ServiceSid) && isOr(r.Session, fake.SessionSid) && isOr(r.Participant, i.participant)
}

// reckon makes the comparisons that need the whole story: each message is that of a call that may have sent it, which
// is one that was under way when the request came, and was not told "no".
func (tr *truth) reckon() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, g := range tr.groups {
		for _, m := range g.accepted {
			may := func(c *call) bool {
				return m.mayBeOf(c) && c.outcome.Sent != "no" || c.outcome.Sent == "unknown" && c.begun < m.arrived
			}
			found := slices.ContainsFunc(g.intentions, func(i *intention) bool { return slices.ContainsFunc(i.calls, may) })
			tr.must(found, g, "NOT SENT, IT WAS SAID, AND WAS: no call under way can have sent %s", m.sid)
		}
	}
}

// require fails the test with what is broken, and with how to run it again.
func (tr *truth) require(t *testing.T, again string) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.broken) > 0 {
		require.Fail(t, fmt.Sprintf("%d rules are broken. Again: %s", len(tr.broken), again), strings.Join(tr.broken[:min(len(tr.broken), 5)], "\n\n"))
	}
}

// tally counts how the intentions ended.
func (tr *truth) tally() (counts map[string]int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	counts = map[string]int{}
	for _, g := range tr.groups {
		counts["messages"] += len(g.accepted)
		for _, i := range g.intentions {
			counts["calls"] += len(i.calls)
			last := "no answer but of the ledger"
			for _, c := range i.calls {
				if c.answered && !c.unusable {
					last = c.outcome.Code
				}
				if c.outcome.Reconciled {
					counts["found by a look"]++
				}
			}
			counts[last]++
		}
	}
	return counts
}

// last is the intention's latest answered call, or nil.
func (tr *truth) last(i *intention) (last *call) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, c := range i.calls {
		if c.answered {
			last = c
		}
	}
	return last
}

// retire marks an intention that nobody has in a new ledger: it, or one of the same text, may have been sent before, and an
// equal message from just before is not promised to be told apart. One that was only ever told that the ledger cannot be
// used surely was not sent.
func (tr *truth) retire(i *intention) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, twin := range i.intentions {
		i.retired = i.retired || slices.ContainsFunc(twin.calls, func(c *call) bool { return !c.unusable })
	}
}

// mayRepeat says whether the intention's last word is missing, not "sent", or from before somebody tampered.
func (tr *truth) mayRepeat(i *intention) bool {
	last := tr.last(i)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return !i.retired && (last == nil || last.outcome.Sent != "yes" || last.ended < tr.tampered)
}

// suffersSince says whether an answer after this event was that the ledger cannot be used.
func (tr *truth) suffersSince(event int) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, g := range tr.groups {
		for _, i := range g.intentions {
			for _, c := range i.calls {
				if c.unusable && c.ended > event {
					return true
				}
			}
		}
	}
	return false
}

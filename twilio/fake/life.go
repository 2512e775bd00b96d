package fake

import "time"

// A life is how a message goes on after it was created: queued, sent, final,
// each for a time. Messages share lives; a life never changes.
type life struct {
	Queued time.Duration `json:"queued,omitempty"`
	Sent   time.Duration `json:"sent,omitempty"`
	Final  string        `json:"final,omitempty"`
	Code   int           `json:"error_code,omitempty"` // goes with Final
	Stuck  string        `json:"stuck,omitempty"`      // the status it never leaves; "" = none
}

// magicLives are the participant identifiers whose messages meet a known fate.
// The last five digits of a failing one are the Messaging error code. Chosen.
func magicLives() map[string]*life {
	return map[string]*life{
		"+15550000001": {Stuck: "queued"},
		"+15550000002": {Stuck: "sent"},
		"+15550030001": {Final: "failed", Code: 30001},      // queue overflow
		"+15550030002": {Final: "failed", Code: 30002},      // account suspended
		"+15550030003": {Final: "undelivered", Code: 30003}, // handset unreachable
		"+15550030004": {Final: "undelivered", Code: 30004}, // message blocked
		"+15550030005": {Final: "undelivered", Code: 30005}, // unknown handset
		"+15550030006": {Final: "undelivered", Code: 30006}, // landline
		"+15550030007": {Final: "undelivered", Code: 30007}, // filtered by the carrier
		"+15550030008": {Final: "undelivered", Code: 30008}, // unknown error
	}
}

// lifeFor is the life of a message that goes to a participant now.
func (f *Fake) lifeFor(to *participant) *life {
	l := life{Queued: f.config.QueuedFor, Sent: f.config.SentFor, Final: "delivered"}
	if magic := f.magic[to.Identifier]; magic != nil {
		l.Final, l.Code, l.Stuck = magic.Final, magic.Code, magic.Stuck
	}
	return f.world.share(l)
}

// at tells the status that a message created at the given time has now, since
// when, and when the next one is due (zero = never). A clock that was set back
// to before the creation finds the message as it was created.
func (l *life) at(created, now time.Time) (status string, since, due time.Time) {
	if now.Before(created) {
		now = created
	}
	sent := created.Add(l.Queued)
	final := sent.Add(l.Sent)
	switch {
	case l.Stuck == "queued":
		return "queued", created, time.Time{}
	case now.Before(sent):
		return "queued", created, sent
	case l.Stuck == "sent":
		return "sent", sent, time.Time{}
	case now.Before(final):
		return "sent", sent, final
	default:
		return l.Final, final, time.Time{}
	}
}

// code is the error code that goes with a status; 0 = none.
func (l *life) code(status string) int {
	if status == l.Final {
		return l.Code
	}
	return 0
}

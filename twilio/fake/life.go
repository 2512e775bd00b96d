package fake

import "time"

// A life says which statuses a message has after its creation: queued for a time,
// then sent for a time, then the final status. A life never changes, so messages
// can share it.
type life struct {
	Queued time.Duration `json:"queued,omitempty"`
	Sent   time.Duration `json:"sent,omitempty"`
	Final  string        `json:"final,omitempty"`
	Code   int           `json:"error_code,omitempty"` // belongs to Final
	Stuck  string        `json:"stuck,omitempty"`      // the status that the message never leaves; "" = none
}

// magicLives returns the lives of messages to special participant identifiers. The
// last five digits of a failing one are the Messaging error code.
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

// lifeFor returns the life of a new message to this participant.
func (f *Fake) lifeFor(to *participant) *life {
	l := life{Queued: f.config.QueuedFor, Sent: f.config.SentFor, Final: "delivered"}
	if magic := f.magic[to.Identifier]; magic != nil {
		l.Final, l.Code, l.Stuck = magic.Final, magic.Code, magic.Stuck
	}
	return f.world.sharedLife(l)
}

// at returns the status of a message now, since when it has that status, and when
// the next one is due (zero = never). If the clock was set back to before the
// creation, it returns the first status.
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

// code returns the error code of a status; 0 = none.
func (l *life) code(status string) int {
	if status == l.Final {
		return l.Code
	}
	return 0
}

package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"
)

// Scope is who sends for whom. Entries of different scopes never answer for each other.
type Scope struct {
	Account string // Twilio account SID
	Host    string // of the upstream; the fake never uses the live one's
	Caller  string // over HTTP the OAuth subject or a token's digest, "" over stdio; stored in digests only
}

// Limits caps the claims of a minute, over all callers of an account and host; 0 is no cap. Refused and unsent ones do not count.
type Limits struct {
	PerParticipantPerMinute int
	PerMinute               int
}

// Intent is a message that somebody wants to send. Content, Listed and Key are stored as digests only.
type Intent struct {
	Scope                         Scope
	Service, Session, Participant string // SIDs
	Content                       []byte // the whole message in canonical bytes: the same bytes are the same message
	// Listed is the part of it that the upstream shows in a session's list, the body. Reconcile compares it to see which
	// entries could be mistaken for each other. nil is Content.
	Listed []byte
	Key    string        // the caller's idempotency key, 1 to 255 characters, or "" for none
	Window time.Duration // how long after its settlement a sent message answers a repeat without a key; 0 is never
	Until  time.Time     // nothing is granted later, but a wait for another send may go on; zero is in an hour
	Limits Limits
	// UpstreamBegun tells the upstream's time, known from an earlier answer's Date; nil or a zero time is unknown. It is called
	// when the claim is granted, which may be long after the call began.
	UpstreamBegun func() time.Time
	known         bool // only an earlier entry answers, and nothing is granted
}

func (in Intent) check() error {
	switch {
	case in.Scope.Account == "" || in.Scope.Host == "" || in.Service == "" || in.Session == "" || in.Participant == "":
		return errors.New("ledger: an intent needs an account, a host, a service, a session and a participant")
	case len(in.Content) == 0:
		return errors.New("ledger: an intent needs its content")
	case utf8.RuneCountInString(in.Key) > 255:
		return errors.New("ledger: an idempotency key has 1 to 255 characters")
	case in.Window < 0:
		return errors.New("ledger: the window is negative")
	}
	return nil
}

// digests stand for what is never stored. They are keyed, so that a reader of the database cannot try out messages.
type digests struct {
	content []byte // this caller, this participant, this message
	listed  []byte // any caller and account, this participant, what the upstream lists of the message
	idem    []byte // this caller's idempotency key; nil when there is none
	limits  []byte // the account and host over which claims are counted
}

func (s *store) digests(in Intent) digests {
	to := []string{in.Scope.Account, in.Scope.Host, in.Service, in.Session, in.Participant}
	listed := in.Listed
	if listed == nil {
		listed = in.Content
	}
	d := digests{
		content: s.digest("content", append(to, in.Scope.Caller, string(in.Content))...),
		// An account may have several names (its SID, an API key). The upstream lists a message once, so the account is left out.
		listed: s.digest("listed", append(to[1:], string(listed))...),
		limits: s.digest("limits", in.Scope.Account, in.Scope.Host),
	}
	if in.Key != "" {
		d.idem = s.digest("key", in.Scope.Account, in.Scope.Host, in.Scope.Caller, in.Key)
	}
	return d
}

// digest is HMAC-SHA256 over the parts. Each has its length before it, so that different parts never have the same bytes.
func (s *store) digest(purpose string, parts ...string) []byte {
	mac := hmac.New(sha256.New, s.digestKey)
	for _, part := range append([]string{purpose}, parts...) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// mayShare says whether the outcome of the entry may answer this call, too. A call with a key of its own means another message.
func (d digests) mayShare(r record) bool { return d.idem == nil || bytes.Equal(d.idem, r.idem) }

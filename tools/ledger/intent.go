package ledger

import (
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

// Limits caps the claims of a minute, over all callers of an account and host; 0 is no cap. Refused and unsent messages do not
// count.
type Limits struct {
	PerParticipantPerMinute int
	PerMinute               int
}

// Intent is a message that somebody wants to send. Content, Listed and Key are stored as digests only.
type Intent struct {
	Scope                         Scope
	Service, Session, Participant string // SIDs
	// Content is the whole message in canonical bytes: the same bytes are the same message.
	Content []byte
	// Listed is the part of it that the upstream shows in a session's list, the body. Reconcile compares it to see which
	// entries could be mistaken for each other. nil is Content.
	Listed []byte
	// Key is the caller's idempotency key, 1 to 255 characters, or "" for none.
	Key string
	// Window is how long after its settlement a sent message answers a repeat without a key; 0 is never.
	Window time.Duration
	Limits Limits
	// UpstreamBegun tells the upstream's time, known from an earlier answer's Date; nil or a zero time is unknown. It is called
	// when the claim is granted, which may be long after the call began.
	UpstreamBegun func() time.Time
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

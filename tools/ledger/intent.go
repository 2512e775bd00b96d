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
	Host    string // of the upstream; the fake's is never the live one's
	Caller  string // OAuth subject or digest of a token over HTTP, "" over stdio; stored in digests only
}

// Limits caps claims by the minute, counted over the account and host, whoever calls; 0 is no cap.
// What was refused or not sent does not count.
type Limits struct {
	PerParticipantPerMinute int
	PerMinute               int
}

// Intent is a message that somebody wants sent.
type Intent struct {
	Scope                         Scope
	Service, Session, Participant string // SIDs
	// Content is the whole message in canonical bytes: the same bytes are the same message. Only digests are stored.
	Content []byte
	// Listed is the part of it that the upstream's listing of the session shows (the body), so that Reconcile knows which
	// entries could be mistaken for each other. nil is Content. Only a digest is stored.
	Listed []byte
	// Key is the caller's idempotency key, 1 to 255 characters, or "" for none. Only a digest is stored.
	Key string
	// Window is how long after its settlement a sent message answers for a keyless repeat; 0 is never.
	Window time.Duration
	Limits Limits
	// UpstreamBegun tells the upstream's clock, from an earlier answer's Date; zero when unknown, as is nil. It is asked when
	// the claim is made: the wait for another's may have been long.
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

// digests stand for what is never stored. They are keyed, so that nobody who reads the database can try messages out.
type digests struct {
	content []byte // this caller, this recipient, this message
	listed  []byte // any caller and account, this recipient, what the upstream lists of the message
	idem    []byte // this caller's idempotency key; nil when there is none
}

func (b *book) digests(in Intent) digests {
	to := []string{in.Scope.Account, in.Scope.Host, in.Service, in.Session, in.Participant}
	listed := in.Listed
	if listed == nil {
		listed = in.Content
	}
	d := digests{
		content: b.digest("content", append(to, in.Scope.Caller, string(in.Content))),
		// One account may have several names (its SID, a key alone), and a message is listed once: the SIDs say whose it is.
		listed: b.digest("listed", append(to[1:], string(listed))),
	}
	if in.Key != "" {
		d.idem = b.digest("key", []string{in.Scope.Account, in.Scope.Host, in.Scope.Caller, in.Key})
	}
	return d
}

// sharedBy says whether a call that found the entry's owner at work may take what came of it for its own answer. One with a
// key of its own is another intention.
func (d digests) sharedBy(r row) bool { return d.idem == nil || bytes.Equal(d.idem, r.idem) }

// digest is HMAC-SHA256 over length-prefixed parts: no two lists of parts have the same bytes.
func (b *book) digest(purpose string, parts []string) []byte {
	mac := hmac.New(sha256.New, b.key)
	for _, part := range append([]string{purpose}, parts...) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

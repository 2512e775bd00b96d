package ledger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// store is an opened database and the key of its digests.
type store struct {
	engine
	digestKey []byte
}

func (l *Ledger) openStore(ctx context.Context) (*store, error) {
	engine, err := l.openEngine(ctx)
	if err != nil {
		return nil, unavailable("open the ledger", err)
	}
	key, err := migrate(ctx, engine)
	if err != nil {
		return nil, errors.Join(unavailable("prepare the ledger's tables", err), engine.close())
	}
	l.markDeadOwners(ctx, engine)
	return &store{engine: engine, digestKey: key}, nil
}

func (l *Ledger) openEngine(ctx context.Context) (engine, error) {
	wait := cmp.Or(l.lockWait, defaultLockWait)
	switch {
	case l.Path != "" && l.DSN == "" && !l.Memory:
		return openSQLite(ctx, l.Path, wait)
	case l.DSN != "" && l.Path == "" && !l.Memory:
		return openPostgres(ctx, l.DSN, wait)
	case l.Memory && l.Path == "" && l.DSN == "":
		return openSQLite(ctx, "", wait)
	}
	return nil, errors.New("exactly one of a file, a PostgreSQL address and memory must be chosen")
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

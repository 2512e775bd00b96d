package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// store is an opened database, the key of its digests, and the newest entry that was seen in it.
type store struct {
	engine
	digestKey []byte

	mu     sync.Mutex
	newest ID // found at the start or granted since; zero while there is none
}

func (s *store) remember(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id.number > s.newest.number {
		s.newest = id
	}
}

// check fails when the tables are not those that were opened, or the newest entry is missing: then others may be, too. It
// reads only, so claims do not wait for each other. Until the transaction ends, nobody can drop or truncate the tables.
func (s *store) check(ctx context.Context, tx transaction) error {
	s.mu.Lock()
	newest := s.newest
	s.mu.Unlock()
	var version int
	var key []byte
	var claim sql.NullString
	err := tx.queryRow(ctx, "SELECT version, digest_key, (SELECT claim FROM twilio_proxy_mcp_sends WHERE id = $1) FROM "+metaTable,
		newest.number).Scan(&version, &key, &claim)
	server, _ := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, sql.ErrNoRows), server != nil && server.Code == "42P01": // undefined_table
		return errLost
	case err != nil:
		return err
	case version > len(migrations):
		return errTooNew
	case !bytes.Equal(key, s.digestKey), newest.number != 0 && idOf(newest.number, claim.String) != newest:
		return errLost
	}
	return nil
}

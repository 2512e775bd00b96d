package ledger

import (
	"context"
	"crypto/rand"
	"errors"
)

// migrations make the tables, one version each. A released one is never changed. The prefix of the names keeps them apart from
// what else lives in a shared PostgreSQL database.
//
// content, listed and idem are keyed digests. The unique indexes allow one entry that still counts for each key, one unresolved
// entry without a key for each content, and one entry for each interaction. Most indexes are partial, because each index that
// a claim or a settlement touches is one more page to write.
var migrations = []string{`
CREATE TABLE twilio_proxy_mcp_sends (
	id {id},
	claim text NOT NULL,
	owner text NOT NULL,
	account text NOT NULL,
	host text NOT NULL,
	service text NOT NULL,
	session text NOT NULL,
	participant text NOT NULL,
	content {blob} NOT NULL,
	listed {blob} NOT NULL,
	idem {blob},
	state text NOT NULL CHECK (state IN ('claimed', 'sent', 'refused', 'not_sent', 'unknown')),
	begun bigint NOT NULL,
	settled bigint,
	upstream_begun bigint,
	sid text,
	receipt text,
	code text,
	request_id text
);
CREATE UNIQUE INDEX twilio_proxy_mcp_one_keyless ON twilio_proxy_mcp_sends (content)
	WHERE idem IS NULL AND state IN ('claimed', 'unknown');
CREATE UNIQUE INDEX twilio_proxy_mcp_one_keyed ON twilio_proxy_mcp_sends (idem)
	WHERE idem IS NOT NULL AND state IN ('claimed', 'unknown', 'sent');
CREATE UNIQUE INDEX twilio_proxy_mcp_one_sid ON twilio_proxy_mcp_sends (sid) WHERE sid IS NOT NULL;
CREATE INDEX twilio_proxy_mcp_content ON twilio_proxy_mcp_sends (content);
CREATE INDEX twilio_proxy_mcp_idem ON twilio_proxy_mcp_sends (idem, id) WHERE idem IS NOT NULL;
CREATE INDEX twilio_proxy_mcp_begun ON twilio_proxy_mcp_sends (begun);
CREATE INDEX twilio_proxy_mcp_unresolved ON twilio_proxy_mcp_sends (listed) WHERE state IN ('claimed', 'unknown');
CREATE INDEX twilio_proxy_mcp_nameless ON twilio_proxy_mcp_sends (listed) WHERE state = 'sent' AND sid IS NULL;
`, `
-- Since this version listed is without the account, so older programs must not use the tables any more. An older entry keeps its
-- digest. If it is unresolved, it still blocks its content, but a newer entry of another key or caller is not seen to look like it.
`}

const metaTable = "twilio_proxy_mcp_ledger"

// migrate brings the tables up to date and returns the key of the digests, which is made with them.
func migrate(ctx context.Context, e engine) (key []byte, err error) {
	version := 0
	look := func(ctx context.Context, tx transaction) error {
		version, key = 0, nil
		var made bool
		if err := tx.queryRow(ctx, "SELECT {table_exists}", metaTable).Scan(&made); err != nil || !made {
			return err
		}
		return tx.queryRow(ctx, "SELECT version, digest_key FROM "+metaTable).Scan(&version, &key)
	}
	err = e.read(ctx, look)
	if err == nil && version < len(migrations) {
		err = e.write(ctx, func(ctx context.Context, tx transaction) error {
			if err := tx.lock(ctx, lockTables, []byte(metaTable)); err != nil {
				return err
			}
			if err := look(ctx, tx); err != nil || version >= len(migrations) { // another process may have been first
				return err
			}
			if err := upgrade(ctx, tx, version); err != nil {
				return err
			}
			return look(ctx, tx)
		})
	}
	switch {
	case err != nil:
		return nil, err
	case version > len(migrations):
		return nil, errTooNew
	case len(key) < 32:
		return nil, errors.New("the ledger has lost the key of its digests")
	}
	return key, nil
}

func upgrade(ctx context.Context, tx transaction, version int) error {
	if version == 0 {
		if _, err := tx.exec(ctx, "CREATE TABLE "+metaTable+" (version bigint NOT NULL, digest_key {blob} NOT NULL)"); err != nil {
			return err
		}
		key := make([]byte, 32)
		rand.Read(key) // never fails
		if _, err := tx.exec(ctx, "INSERT INTO "+metaTable+" (version, digest_key) VALUES (0, $1)", key); err != nil {
			return err
		}
	}
	for _, migration := range migrations[version:] {
		if _, err := tx.exec(ctx, migration); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, "UPDATE "+metaTable+" SET version = $1", len(migrations))
	return err
}

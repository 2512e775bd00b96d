package ledger

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
)

// migrations make the tables, one version each. A released one is never changed. {id} and {blob} are column types. The prefix of
// the names keeps the tables apart from what else lives in a shared PostgreSQL database.
var (
	//go:embed migrations/1_sends.sql
	sends string
	//go:embed migrations/2_listed_without_account.sql
	listedWithoutAccount string
	//go:embed migrations/3_proven_ids.sql
	provenIDs string
	//go:embed migrations/4_mark.sql
	marks string

	migrations = []string{sends, listedWithoutAccount, provenIDs, marks}
)

const markVersion = 4 // since when there is a mark

const metaTable = "twilio_proxy_mcp_ledger"

// migrate brings the tables up to date and returns the key of the digests, which is made with them. With mustExist it makes no
// tables where there are none.
func migrate(ctx context.Context, e engine, mustExist bool) (key []byte, err error) {
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
	if err == nil && version == 0 && mustExist {
		err = errNoLedger
	}
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
		return nil, fmt.Errorf("%w: the key of its digests is lost", errMissing)
	}
	return key, nil
}

func upgrade(ctx context.Context, tx transaction, version int) error {
	for _, migration := range migrations[version:] {
		if _, err := tx.exec(ctx, migration); err != nil {
			return err
		}
	}
	if version > 0 {
		_, err := tx.exec(ctx, "UPDATE "+metaTable+" SET version = $1", len(migrations))
		return err
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	_, err := tx.exec(ctx, "INSERT INTO "+metaTable+" (version, digest_key) VALUES ($1, $2)", len(migrations), key)
	return err
}

package ledger

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewerTablesAreLeftAlone(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		sqlOn(t, p.open(t), "UPDATE "+metaTable+" SET version = version + $1", 1)
		_, err := p.open(t).Claim(t.Context(), intent("hello"))
		requireUnavailable(t, err, TooNew)
	})
}

func TestMigrationsContinueWhereTheyStopped(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		first := p.open(t)
		claim(t, first, intent("hello"))
		store, err := first.open(t.Context())
		require.NoError(t, err)
		for range 2 { // the tables are up to date both times
			require.NoError(t, store.write(t.Context(), func(ctx context.Context, tx transaction) error {
				return upgrade(ctx, tx, len(migrations))
			}))
			key, err := migrate(t.Context(), store.engine)
			require.NoError(t, err)
			require.Equal(t, store.digestKey, key)
		}
		// A migration that fails leaves nothing behind.
		require.Error(t, store.write(t.Context(), func(ctx context.Context, tx transaction) error {
			return upgrade(ctx, tx, 0)
		}))
		again, err := p.open(t).open(t.Context())
		require.NoError(t, err)
		require.Equal(t, store.digestKey, again.digestKey)
	})
}

func TestTheKeyIsTheLedgers(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		one, err := p.open(t).open(t.Context())
		require.NoError(t, err)
		two, err := p.open(t).open(t.Context())
		require.NoError(t, err)
		other, err := (&Ledger{Memory: true}).open(t.Context())
		require.NoError(t, err)
		defer other.close()
		require.Equal(t, one.digests(intent("hello")), two.digests(intent("hello")))
		require.NotEqual(t, one.digests(intent("hello")), other.digests(intent("hello")))
	})
}

func TestEntry(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
		found, err := l.Entry(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, sid("KI", "a"), found.Sid)
		_, err = l.Entry(t.Context(), c.ID+1)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestEntriesOfAnEarlierVersionStand(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		l := p.open(t)
		settle(t, claim(t, l, intent("hello")), Settlement{State: Unknown})
		sqlOn(t, l, "UPDATE "+metaTable+" SET version = $1", 1)
		later := p.open(t)
		require.Equal(t, Unresolved, decide(t, later, intent("hello")).Verdict)
		var version int
		require.NoError(t, later.store.read(t.Context(), func(ctx context.Context, tx transaction) error {
			return tx.queryRow(ctx, "SELECT version FROM "+metaTable).Scan(&version)
		}))
		require.Equal(t, len(migrations), version)
	})
}

package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNewerTablesAreLeftAlone(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		sqlOn(t, p.open(t), "UPDATE "+metaTable+" SET version = version + $1", 1)
		_, err := p.open(t).Claim(t.Context(), intent("hello"))
		requireUnavailable(t, err, TooNew)
		require.ErrorContains(t, err, "update this program")
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
			key, err := migrate(t.Context(), store.engine, false)
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
		_, err = l.Entry(t.Context(), ID{number: c.ID.number + 1})
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestEntriesOfAnEarlierVersionStand(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		older(1, func() {
			l := p.open(t)
			settle(t, claim(t, l, intent("hello")), Settlement{State: Unknown})
			require.NoError(t, l.Close())
		})
		later := p.open(t)
		require.Equal(t, Unresolved, decide(t, later, intent("hello")).Verdict)
		var version int
		require.NoError(t, later.store.read(t.Context(), func(ctx context.Context, tx transaction) error {
			return tx.queryRow(ctx, "SELECT version FROM "+metaTable).Scan(&version)
		}))
		require.Equal(t, len(migrations), version)
	})
}

// older lets f be the program of an earlier version, as far as the tables go.
func older(version int, f func()) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:version]
	f()
}

// writeVersion2 fills a ledger with testdata/version2.json, which are the rows of a ledger that the program of version 2 wrote
// on SQLite: one for each intent that is named after its state, and one with the key "k". Blobs are in hex. The tables are those
// of its migrations, which never change. The owner of the claimed one is dead.
func writeVersion2(t *testing.T, p place) {
	t.Helper()
	var written struct {
		DigestKey string `json:"digest_key"`
		Sends     []map[string]any
	}
	content, err := os.ReadFile("testdata/version2.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &written))
	older(2, func() {
		l := p.open(t)
		blob := func(row map[string]any, name string) (b []byte) {
			if text, there := row[name].(string); there {
				b, err = hex.DecodeString(text)
				require.NoError(t, err)
			}
			return b
		}
		sqlOn(t, l, "UPDATE "+metaTable+" SET digest_key = $1", blob(map[string]any{"key": written.DigestKey}, "key"))
		for _, row := range written.Sends {
			owner := row["owner"]
			if owner != "" && p.engine == "postgres" {
				owner = "4611686018427387904" // there it is the number of an advisory lock
			}
			sqlOn(t, l, `INSERT INTO twilio_proxy_mcp_sends (claim, owner, account, host, service, session, participant, content, listed,
				idem, state, begun, settled, sid, receipt, code, request_id)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
				row["claim"], owner, row["account"], row["host"], row["service"], row["session"], row["participant"],
				blob(row, "content"), blob(row, "listed"), blob(row, "idem"), row["state"], row["begun"], row["settled"],
				row["sid"], row["receipt"], row["code"], row["request_id"])
		}
		require.NoError(t, l.Close())
	})
}

func TestALedgerOfTheVersionBeforeIsMigrated(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		writeVersion2(t, p)
		l := p.open(t)
		entries, err := l.History(t.Context(), Filter{})
		require.NoError(t, err)
		states := map[string]State{}
		for _, e := range entries {
			states[e.ID.String()] = e.State
		}
		require.Equal(t, map[string]State{
			"1-we2iv": Sent, "2-zoo5r": Sent, "3-afug7": Refused, "4-ybjdf": NotSent, "5-duto6": Unknown, "6-4bzep": Unknown,
		}, states)

		// Its entries answer for their messages, and a person settles them by their new IDs.
		long := intent("sent")
		long.Window = 100 * 365 * 24 * time.Hour
		require.Equal(t, "1-we2iv", decide(t, l, long).Entry.ID.String())
		require.Equal(t, Replay, decide(t, l, keyed("keyed", "k")).Verdict)
		require.Equal(t, Conflict, decide(t, l, keyed("other", "k")).Verdict)
		for content, id := range map[string]string{"unknown": "5-duto6", "claimed": "6-4bzep"} {
			require.Equal(t, Unresolved, decide(t, l, intent(content)).Verdict)
			require.ErrorIs(t, l.Resolve(t.Context(), parsed(t, id[:2]+"aaaaa"), NotSent), ErrNotFound)
			require.NoError(t, l.Resolve(t.Context(), parsed(t, id), NotSent))
			require.Greater(t, claim(t, l, intent(content)).ID.number, int64(6), "new entries follow")
		}
	})
}

// Its hints would give bare numbers, and it would settle by them.
func TestAnOlderProgramRefusesTheLedger(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		writeVersion2(t, p)
		older(2, func() { require.NoError(t, p.open(t).Open(t.Context())) })
		require.NoError(t, p.open(t).Open(t.Context()))
		older(2, func() {
			l := p.open(t)
			_, err := l.Claim(t.Context(), intent("hello"))
			requireUnavailable(t, err, TooNew)
			_, err = l.History(t.Context(), Filter{})
			requireUnavailable(t, err, TooNew)
			requireUnavailable(t, l.Resolve(t.Context(), ID{number: 5}, NotSent), TooNew)
		})
		require.Equal(t, Unknown, entry(t, p.open(t), parsed(t, "5-duto6")).State)
	})
}

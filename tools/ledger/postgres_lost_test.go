package ledger

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// requireLost checks that the ledger grants nothing, also not what it never saw, and says what a person does next.
func requireLost(t *testing.T, l *Ledger) {
	t.Helper()
	for _, content := range []string{"hello", "new"} {
		decision, err := l.Claim(t.Context(), intent(content))
		requireUnavailable(t, err, Corrupt)
		require.ErrorContains(t, err, "restart every server")
		require.NotContains(t, err.Error(), "accept-loss", "which is for files")
		require.Zero(t, decision)
		_, err = l.Known(t.Context(), intent(content))
		requireUnavailable(t, err, Corrupt)
	}
	_, err := l.KnownSid(t.Context(), "")
	requireUnavailable(t, err, Corrupt)
}

// restored is an old state of the entries that somebody puts back. The dump's sequence comes with it.
const restored = `CREATE TABLE dump AS SELECT * FROM twilio_proxy_mcp_sends WHERE id = 1;
	TRUNCATE twilio_proxy_mcp_sends RESTART IDENTITY;
	INSERT INTO twilio_proxy_mcp_sends OVERRIDING SYSTEM VALUE SELECT * FROM dump;
	SELECT setval(pg_get_serial_sequence('twilio_proxy_mcp_sends', 'id'), 1)`

// A running server knows what it recorded and what it found at its start. Without that it sends nothing.
func TestARunningServerNoticesThatEntriesAreLost(t *testing.T) {
	const drop = "DROP TABLE twilio_proxy_mcp_sends, twilio_proxy_mcp_ledger"
	for name, tc := range map[string]struct {
		lose   string
		follow int // entries that another server, which knows nothing, makes then
	}{
		"truncated":                              {"TRUNCATE twilio_proxy_mcp_sends", 0},
		"truncated, entries followed":            {"TRUNCATE twilio_proxy_mcp_sends", 4},
		"truncated, numbers again":               {"TRUNCATE twilio_proxy_mcp_sends RESTART IDENTITY", 0},
		"truncated, numbers again, as many":      {"TRUNCATE twilio_proxy_mcp_sends RESTART IDENTITY", 4},
		"the key lost":                           {"TRUNCATE twilio_proxy_mcp_ledger", 0},
		"the key replaced":                       {"UPDATE twilio_proxy_mcp_ledger SET digest_key = sha256(digest_key)", 0},
		"tables dropped":                         {drop, 0},
		"tables made anew":                       {drop, 4},
		"schema dropped":                         {"DROP SCHEMA %s CASCADE; CREATE SCHEMA %s", 0},
		"schema made anew":                       {"DROP SCHEMA %s CASCADE; CREATE SCHEMA %s", 4},
		"an old dump restored":                   {restored, 0},
		"an old dump restored, entries followed": {restored, 4},
		"the latest deleted":                     {"DELETE FROM twilio_proxy_mcp_sends WHERE id > 1", 0},
		"all deleted, entries followed":          {"DELETE FROM twilio_proxy_mcp_sends", 4},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "postgres")
			settle(t, claim(t, p.open(t), intent("old")), Settlement{State: Sent})
			sender, idle := p.open(t), p.open(t)
			settle(t, claim(t, sender, intent("hello")), Settlement{State: Sent})
			require.NoError(t, idle.Open(t.Context()))
			p.sql(t, tc.lose)
			if tc.follow > 0 {
				other := p.open(t)
				for i := range tc.follow {
					settle(t, claim(t, other, intent(string(rune('a'+i)))), Settlement{State: Sent})
				}
				settle(t, claim(t, other, intent("of its own")), Settlement{State: Sent}) // the one that knows no better goes on
			}
			requireLost(t, sender)
			requireLost(t, idle)
		})
	}
}

// sql runs statements in the place's schema, %s, as an administrator does.
func (p place) sql(t testing.TB, statements string) {
	t.Helper()
	dsn, err := url.Parse(p.dsn)
	require.NoError(t, err)
	schema := dsn.Query().Get("search_path")
	conn, err := pgx.Connect(t.Context(), p.dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), strings.ReplaceAll(statements, "%s", schema))
	require.NoError(t, err)
}

// A claim is known from its commit on, not only from its settlement.
func TestAClaimWhoseEntryIsLostDoesNotStand(t *testing.T) {
	p := newPlace(t, "postgres")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	p.sql(t, "TRUNCATE twilio_proxy_mcp_sends")
	requireUnavailable(t, c.Stands(t.Context()), Corrupt)
	require.ErrorIs(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a")}), ErrClaimLost)
	requireLost(t, l)
}

// What is put back, with the entry that the server knows, is the ledger again.
func TestALedgerThatIsPutBackGoesOn(t *testing.T) {
	p := newPlace(t, "postgres")
	l := p.open(t)
	settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	p.sql(t, "ALTER TABLE twilio_proxy_mcp_sends RENAME TO away")
	requireLost(t, l)
	p.sql(t, "ALTER TABLE away RENAME TO twilio_proxy_mcp_sends")
	require.Equal(t, Replay, decide(t, l, intent("hello")).Verdict)
	claim(t, l, intent("new"))
}

// A failed claim was not recorded, so that nothing is missing.
func TestWhatWasNotCommittedIsNotMissed(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		require.NoError(t, l.Open(t.Context()))
		under := &failing{engine: l.store.engine}
		under.fails.Store(true)
		l.store.engine = under
		_, err := l.Claim(t.Context(), intent("hello"))
		require.Error(t, err)
		under.fails.Store(false)
		settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	})
}

func TestADatabaseThatWasMadeAnewIsAnother(t *testing.T) {
	p := newPlace(t, "postgres")
	dsn, err := url.Parse(p.dsn)
	require.NoError(t, err)
	name := dsn.Query().Get("search_path")
	postgres.Exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { postgres.Exec(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	dsn.Path = "/" + name
	query := dsn.Query()
	query.Del("search_path")
	dsn.RawQuery = query.Encode()
	p.dsn = dsn.String()
	l := p.open(t)
	settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	postgres.Exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
	postgres.Exec(t, "CREATE DATABASE "+name)
	_, err = l.Claim(t.Context(), intent("hello"))
	for reason(err) == Gone { // until the pool has no connection to the old database any more
		_, err = l.Claim(t.Context(), intent("hello"))
	}
	requireLost(t, l)
	claim(t, p.open(t), intent("other")) // a server that starts now begins a new ledger
	requireLost(t, l)
}

// Servers are replaced one after the other. The old ones stop as soon as the first new one has used the ledger.
func TestARunningServerRefusesTablesThatBecameNewer(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		l := p.open(t)
		settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
		sqlOn(t, p.open(t), "UPDATE "+metaTable+" SET version = version + $1", 1)
		_, err := l.Claim(t.Context(), intent("hello"))
		requireUnavailable(t, err, TooNew)
		_, err = l.KnownSid(t.Context(), "")
		requireUnavailable(t, err, TooNew)
	})
}

package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// killSession ends the session that holds the token's advisory lock, as a network or an administrator would.
func killSession(t *testing.T, token string) {
	postgres.Exec(t, `SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
		AND (classid::bigint << 32) | objid::bigint = $1::text::bigint`, token)
}

func TestAnOwnerNoticesThatItsSessionEnded(t *testing.T) {
	p := newPlace(t, "postgres")
	l, other := p.open(t), p.open(t)
	c := claim(t, l, intent("hello"))
	require.NoError(t, c.Stands(t.Context()))
	killSession(t, c.owner)

	require.Equal(t, Unresolved, decide(t, other, intent("hello")).Verdict)
	requireUnavailable(t, c.Stands(t.Context()), Gone)
	require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
	settle(t, c, Settlement{State: NotSent}) // the owner still may settle

	next := claim(t, l, intent("hello"))
	require.NotEqual(t, c.owner, next.owner)
	require.NoError(t, next.Stands(t.Context()))
}

func TestAClaimAfterTheSessionEndedHasANewOwner(t *testing.T) {
	p := newPlace(t, "postgres")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	killSession(t, c.owner)
	next := claim(t, l, intent("other"))
	require.NotEqual(t, c.owner, next.owner)
	require.NoError(t, next.Stands(t.Context()))
	require.ErrorIs(t, c.Stands(t.Context()), ErrClaimLost)
}

func TestACancelledCallerDoesNotEndTheSession(t *testing.T) {
	l := newPlace(t, "postgres").open(t)
	c := claim(t, l, intent("hello"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Stands(ctx), context.Canceled)
	require.NoError(t, c.Stands(t.Context()))
}

func TestAClosedLedgersClaimsAreADeadOwners(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		l := p.open(t)
		claim(t, l, intent("hello"))
		require.NoError(t, l.Close())
		require.Equal(t, Unresolved, decide(t, p.open(t), intent("hello")).Verdict)
	})
}

func TestAServerThatCannotWriteGrantsNothing(t *testing.T) {
	p := newPlace(t, "postgres")
	require.NoError(t, p.open(t).Open(t.Context()))
	dsn, err := url.Parse(p.dsn)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("default_transaction_read_only", "on")
	dsn.RawQuery = query.Encode()
	p.dsn = dsn.String()
	l := p.open(t)
	_, err = l.Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, ReadOnly)
	_, err = l.History(t.Context(), Filter{})
	require.NoError(t, err)
}

func TestALockThatIsHeldForLongGrantsNothing(t *testing.T) {
	p := newPlace(t, "postgres")
	l := p.open(t)
	l.lockWait = 50 * time.Millisecond
	claim(t, l, intent("hello"))
	conn, err := pgx.Connect(t.Context(), p.dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE twilio_proxy_mcp_sends IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	_, err = l.Claim(t.Context(), intent("other"))
	requireUnavailable(t, err, Locked)
	require.NoError(t, tx.Rollback(t.Context()))
	claim(t, l, intent("other"))
}

func TestAServerThatIsGoneGrantsNothing(t *testing.T) {
	p := newPlace(t, "postgres")
	proxy := ledgertest.NewWire(t, p.dsn)
	l := &Ledger{DSN: proxy.DSN}
	t.Cleanup(func() { l.Close() })
	c := claim(t, l, intent("hello"))
	proxy.Cut()
	_, err := l.Claim(t.Context(), intent("other"))
	requireUnavailable(t, err, Gone)
	require.Error(t, c.Stands(t.Context()))
	require.Error(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a")}))

	// Another process takes the owner for dead meanwhile. The owner's settlement is written when the server is back.
	require.Equal(t, Unresolved, decide(t, p.open(t), intent("hello")).Verdict) // waits until the server has noticed
	proxy.Mend()
	require.Equal(t, Replay, decide(t, l, intent("hello")).Verdict)
}

func TestAClaimOnAServerThatIsGoneIsNotCalledLost(t *testing.T) {
	proxy := ledgertest.NewWire(t, newPlace(t, "postgres").dsn)
	l := &Ledger{DSN: proxy.DSN}
	t.Cleanup(func() { l.Close() })
	c := claim(t, l, intent("hello"))
	proxy.Cut()
	err := c.Stands(t.Context())
	requireUnavailable(t, err, Gone)
	require.NotErrorIs(t, err, ErrClaimLost)
	proxy.Mend()
}

func TestAPasswordIsNeverRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers after it is closed
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	var log strings.Builder
	for _, dsn := range []string{
		"postgres://user:hunter2@" + listener.Addr().String() + "/db",
		"postgres://user:hunter2@127.0.0.1:notaport/db",
		"postgres://user:hunter2%zz@127.0.0.1/db",
		"host=127.0.0.1 password=hunter2 port=zero",
		"host=127.0.0.1 password='hunter2",
	} {
		l := &Ledger{DSN: dsn, Log: slog.New(slog.NewTextHandler(&log, nil))}
		_, err := l.Claim(t.Context(), intent("hello"))
		require.Error(t, err)
		for _, said := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), log.String()} {
			require.NotContains(t, said, "hunter2")
		}
		require.NoError(t, l.Close())
	}
}

func TestNoContentIsStored(t *testing.T) {
	p := newPlace(t, "postgres")
	l := p.open(t)
	in := keyed("a secret message", "a secret key")
	in.Scope.Caller = "a secret caller"
	settle(t, claim(t, l, in), Settlement{State: Sent, Receipt: []byte(`{"type":"Message","data":"a secret message"}`)})
	conn, err := pgx.Connect(t.Context(), p.dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var stored string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT row_to_json(s)::text FROM twilio_proxy_mcp_sends s").Scan(&stored))
	require.Contains(t, stored, "Message")
	for _, secret := range []string{"secret", "c2VjcmV0", "736563726574"} { // plain, base64, hex
		require.NotContains(t, stored, secret)
	}
}

func connect(t *testing.T, p place) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), p.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// A clock of the test's own goes before the server's.
func TestTheDatabasesClockCounts(t *testing.T) {
	p := newPlace(t, "postgres")
	dsn, err := url.Parse(p.dsn)
	require.NoError(t, err)
	query := dsn.Query()
	schema := query.Get("search_path")
	query.Set("search_path", schema+",pg_catalog")
	dsn.RawQuery = query.Encode()
	p.dsn = dsn.String()
	setClock := func(ahead time.Duration) {
		postgres.Exec(t, fmt.Sprintf(`CREATE OR REPLACE FUNCTION %s.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
			AS $$ SELECT pg_catalog.clock_timestamp() + interval '%d seconds' $$`, schema, int(ahead.Seconds())))
	}
	setClock(time.Hour)
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	settle(t, c, Settlement{State: Sent})
	setClock(time.Hour + 119*time.Second)
	replayed := decide(t, l, intent("hello"))
	require.Equal(t, Replay, replayed.Verdict)
	require.WithinDuration(t, time.Now().Add(time.Hour), replayed.Entry.Begun, hang)
	setClock(time.Hour + 121*time.Second)
	require.Equal(t, Granted, decide(t, l, intent("hello")).Verdict)
}

package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"twilio-proxy-mcp/tools/ledger"
)

// A place is a value of --ledger, for a ledger that processes share: a SQLite file
// or a schema on a PostgreSQL server.
type place string

func (p place) sqlite() bool { return !strings.HasPrefix(string(p), "postgres") }

func (p place) env() string { return "TWILIO_PROXY_MCP_LEDGER=" + string(p) }

func sqlitePlace(t testing.TB) place { return place(filepath.Join(t.TempDir(), "ledger.db")) }

// onBothEngines runs a test on SQLite and on PostgreSQL.
func onBothEngines(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqlitePlace(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, place(postgres.Schema(t))) })
}

// history returns the entries from `history --json`, newest first.
func history(t testing.TB, env []string) []ledger.Entry {
	t.Helper()
	out, errOut, code := run(t, env, "", "history", "--json", "--limit", "1000")
	require.Zero(t, code, errOut)
	var entries []ledger.Entry
	for line := range strings.Lines(out) {
		var entry ledger.Entry
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		entries = append(entries, entry)
	}
	return entries
}

// prepare makes the ledger's tables in advance.
func (p place) prepare(t testing.TB) {
	t.Helper()
	l := &ledger.Ledger{Path: string(p)}
	if !p.sqlite() {
		l = &ledger.Ledger{DSN: string(p)}
	}
	require.NoError(t, l.Open(t.Context()))
	require.NoError(t, l.Close())
}

// A lock is a transaction that keeps everybody else from writing to the ledger.
type lock struct {
	t       testing.TB
	place   place
	release func()
}

func (p place) lock(t testing.TB) *lock {
	t.Helper()
	l := &lock{t: t, place: p}
	ctx := context.Background()
	if p.sqlite() {
		db, err := sql.Open("sqlite", string(p)+"?_pragma=busy_timeout(60000)")
		require.NoError(t, err)
		conn, err := db.Conn(ctx)
		require.NoError(t, err)
		_, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		require.NoError(t, err)
		l.release = func() { conn.Close(); db.Close() }
	} else {
		conn, err := pgx.Connect(ctx, string(p))
		require.NoError(t, err)
		_, err = conn.Exec(ctx, "BEGIN; LOCK TABLE twilio_proxy_mcp_sends IN EXCLUSIVE MODE")
		require.NoError(t, err)
		l.release = func() { conn.Close(ctx) }
	}
	l.release = sync.OnceFunc(l.release)
	t.Cleanup(l.release)
	return l
}

// awaited returns when a server waits for the lock. SQLite does not show who waits.
// There, event must be the last thing that happens before the server needs the lock.
func (l *lock) awaited(event func() bool) {
	l.t.Helper()
	if l.place.sqlite() {
		eventually(l.t, event)
		return
	}
	conn, err := pgx.Connect(context.Background(), string(l.place))
	require.NoError(l.t, err)
	defer conn.Close(context.Background())
	eventually(l.t, func() bool {
		var waiting bool
		require.NoError(l.t, conn.QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'twilio_proxy_mcp_sends'::regclass").Scan(&waiting))
		return waiting
	})
}

// owners counts the files beside a SQLite ledger by which processes show that they
// are alive. A process makes its file just before its first claim.
func (p place) owners() int {
	files, _ := filepath.Glob(string(p) + "-owner-*")
	return len(files)
}

func eventually(t testing.TB, event func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !event(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "the event did not happen in time")
	}
}

// age makes every entry older by d.
func (p place) age(t testing.TB, d time.Duration) {
	t.Helper()
	const update = "twilio_proxy_mcp_sends SET begun = begun - $1, settled = settled - $1"
	if p.sqlite() {
		db, err := sql.Open("sqlite", string(p)+"?_pragma=busy_timeout(60000)")
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Exec("UPDATE "+strings.ReplaceAll(update, "$", "?"), d.Milliseconds())
		require.NoError(t, err)
		return
	}
	dsn, err := url.Parse(string(p))
	require.NoError(t, err)
	postgres.Exec(t, "UPDATE "+dsn.Query().Get("search_path")+"."+update, d.Milliseconds())
}

// endSessions ends every database session on the ledger, as a restart of PostgreSQL does.
func (p place) endSessions(t testing.TB) {
	t.Helper()
	dsn, err := url.Parse(string(p))
	require.NoError(t, err)
	postgres.Exec(t, `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = $1`, dsn.Query().Get("application_name"))
}

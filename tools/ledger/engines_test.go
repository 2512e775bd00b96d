package ledger

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// postgres is the server in which tests make schemas.
var postgres *ledgertest.Postgres

func TestMain(m *testing.M) {
	if task := os.Getenv("LEDGER_TEST_TASK"); task != "" {
		os.Exit(runTask(task))
	}
	postgres = ledgertest.Start()
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

// hang is the longest that a test waits for an event, so that a test that hangs says where. It measures nothing.
const hang = time.Minute

// place is where a test's ledgers live. All ledgers that it opens share it, except in memory.
type place struct {
	engine, path, dsn string
}

func (p place) open(t testing.TB) *Ledger {
	l := &Ledger{Path: p.path, DSN: p.dsn, Memory: p.engine == "memory"}
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func newPlace(t testing.TB, engine string) place {
	switch engine {
	case "sqlite":
		return place{engine: engine, path: filepath.Join(t.TempDir(), "state", "ledger.db")}
	case "postgres":
		return place{engine: engine, dsn: postgres.Schema(t)}
	}
	return place{engine: engine}
}

// everywhere runs a test on each engine. shared leaves out memory, which other processes cannot share.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	for _, engine := range []string{"sqlite", "postgres", "memory"} {
		t.Run(engine, func(t *testing.T) { test(t, newPlace(t, engine)) })
	}
}

func shared(t *testing.T, test func(t *testing.T, p place)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { test(t, newPlace(t, engine)) })
	}
}

// sqlOn runs SQL on the ledger's database. {…} and $1 are those of transaction.
func sqlOn(t testing.TB, l *Ledger, query string, args ...any) {
	store, err := l.open(t.Context())
	require.NoError(t, err)
	require.NoError(t, store.write(t.Context(), func(ctx context.Context, tx transaction) error {
		_, err := tx.exec(ctx, query, args...)
		return err
	}))
}

func sid(prefix, letter string) string { return prefix + strings.Repeat(letter, 32) }

func intent(content string) Intent {
	return Intent{
		Scope:   Scope{Account: sid("AC", "a"), Host: "proxy.twilio.com"},
		Service: sid("KS", "a"), Session: sid("KC", "a"), Participant: sid("KP", "a"),
		Content: []byte(content), Window: 2 * time.Minute,
	}
}

func keyed(content, key string) Intent {
	in := intent(content)
	in.Key = key
	return in
}

func claim(t testing.TB, l *Ledger, in Intent) *Claim {
	t.Helper()
	d := decide(t, l, in)
	require.Equal(t, Granted, d.Verdict)
	return d.Claim
}

func decide(t testing.TB, l *Ledger, in Intent) Decision {
	t.Helper()
	d, err := l.Claim(t.Context(), in)
	require.NoError(t, err)
	return d
}

// awaiting is an engine that calls looked when a call that waits for another's claim has read it.
type awaiting struct {
	engine
	looked func()
}

func (e *awaiting) read(ctx context.Context, op operation) error {
	defer e.looked()
	return e.engine.read(ctx, op)
}

// untilAwaited asks for a message that another owner is sending, and gives up when the call waits.
func untilAwaited(t testing.TB, l *Ledger, ask func(*Ledger, context.Context, Intent) (Decision, error), in Intent) (Decision, error) {
	t.Helper()
	require.NoError(t, l.Open(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	under := l.store.engine
	l.store.engine = &awaiting{under, cancel}
	defer func() { l.store.engine = under }()
	return ask(l, ctx, in)
}

func settle(t testing.TB, c *Claim, s Settlement) {
	t.Helper()
	require.NoError(t, c.Settle(t.Context(), s))
}

func entry(t testing.TB, l *Ledger, id ID) Entry {
	t.Helper()
	entries, err := l.History(t.Context(), Filter{})
	require.NoError(t, err)
	for _, e := range entries {
		if e.ID == id {
			return e
		}
	}
	require.FailNow(t, "no such entry")
	return Entry{}
}

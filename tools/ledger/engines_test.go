package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgresDSN is the URL of a database that tests may make schemas in; "" when there is none, and postgresMissing says why.
var postgresDSN, postgresMissing string

func TestMain(m *testing.M) {
	if task := os.Getenv("LEDGER_TEST_TASK"); task != "" {
		os.Exit(runTask(task))
	}
	stop := func() {}
	if postgresDSN = os.Getenv("TWILIO_PROXY_MCP_TEST_POSTGRES"); postgresDSN == "" {
		var err error
		if postgresDSN, stop, err = startPostgres(); err != nil {
			postgresMissing = err.Error()
		}
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// startPostgres runs a server of its own on a Unix socket in a temporary directory.
func startPostgres() (dsn string, stop func(), err error) {
	bin, err := postgresBinaries()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "ledger-pg") // a socket's path has about 100 bytes at most
	if err != nil {
		return "", nil, err
	}
	user, err := serverUser(dir)
	if err != nil {
		return "", nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "ledger", "-A", "trust", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = user, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	server.SysProcAttr, server.Dir = user, dir
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
		os.RemoveAll(dir)
	}
	dsn = "postgres://ledger@/postgres?host=" + url.QueryEscape(dir)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err == nil {
			conn.Close(context.Background())
			return dsn, stop, nil
		}
	}
	stop()
	return "", nil, errors.New("the server did not come up")
}

func postgresBinaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(found, filepath.SplitList(os.Getenv("PATH"))...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no initdb found; set TWILIO_PROXY_MCP_TEST_POSTGRES or install postgresql")
}

var schemas atomic.Int64

// newSchema makes an empty place on the PostgreSQL server.
func newSchema(t testing.TB) string {
	if postgresDSN == "" {
		t.Skip("PostgreSQL: " + postgresMissing)
	}
	name := "ledger_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(schemas.Add(1), 10)
	admin(t, "CREATE SCHEMA "+name)
	t.Cleanup(func() { admin(t, "DROP SCHEMA "+name+" CASCADE") })
	dsn, err := url.Parse(postgresDSN)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("search_path", name)
	dsn.RawQuery = query.Encode()
	return dsn.String()
}

func admin(t testing.TB, query string, args ...any) {
	conn, err := pgx.Connect(context.Background(), postgresDSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), query, args...)
	require.NoError(t, err)
}

// place is where a test's ledgers live: as many as it opens share it, except in memory.
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
		return place{engine: engine, dsn: newSchema(t)}
	}
	return place{engine: engine}
}

// everywhere runs a test on each engine; shared leaves out the one that other processes cannot share.
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

// sqlOn runs SQL beside the ledger's own; {…} and $1 are read as the package's are.
func sqlOn(t testing.TB, l *Ledger, query string, args ...any) {
	book, err := l.open(t.Context())
	require.NoError(t, err)
	require.NoError(t, book.write(t.Context(), func(ctx context.Context, db querier) error {
		_, err := db.exec(ctx, query, args...)
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

func settle(t testing.TB, c *Claim, s Settlement) {
	t.Helper()
	require.NoError(t, c.Settle(t.Context(), s))
}

func entry(t testing.TB, l *Ledger, id int64) Entry {
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

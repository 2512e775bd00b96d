// Package ledgertest gives tests the databases that a ledger can live in: a real PostgreSQL server, and a wire to it that can be cut.
package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Variable is the environment variable with the URL of a server in which tests may make schemas.
const Variable = "TWILIO_PROXY_MCP_TEST_POSTGRES"

// NoSkip is the environment variable that, set to "never", lets a test fail where it would skip because the machine has no
// server. Use it where a server is installed.
const NoSkip = "LEDGER_TEST_SKIP"

// Skip skips the test, or fails it where NoSkip says so.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(NoSkip) == "never" {
		t.Fatal(why + " (" + NoSkip + " is never)")
	}
	t.Skip(why)
}

// Postgres is a server for the tests of one process: the one in Variable, or one that Start began.
type Postgres struct {
	DSN     string // "" when there is none
	Missing string // why there is none

	stop    func()
	schemas atomic.Int64
}

// Start finds or starts a server. It never fails; without a server, the tests that need one skip or fail and say why.
func Start() *Postgres {
	if dsn := os.Getenv(Variable); dsn != "" {
		return &Postgres{DSN: dsn}
	}
	dsn, stop, err := startServer()
	if err != nil {
		return &Postgres{Missing: err.Error()}
	}
	return &Postgres{DSN: dsn, stop: stop}
}

// Stop ends the server if it is the tests' own.
func (p *Postgres) Stop() {
	if p.stop != nil {
		p.stop()
	}
}

// startServer runs a server on a Unix socket in a temporary directory.
func startServer() (dsn string, stop func(), err error) {
	bin, err := binaries()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "ledger-pg") // a socket's path has about 100 bytes at most
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
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
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err == nil {
			conn.Close(context.Background())
			return dsn, stop, nil
		}
	}
	stop()
	return "", nil, errors.New("the server did not come up")
}

func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(found, filepath.SplitList(os.Getenv("PATH"))...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no initdb found; set " + Variable + " or install postgresql")
}

// Schema makes an empty place on the server and returns its URL; it is dropped when the test ends.
func (p *Postgres) Schema(t testing.TB) string {
	t.Helper()
	if p.DSN == "" {
		Skip(t, "PostgreSQL: "+p.Missing)
	}
	name := "ledger_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(p.schemas.Add(1), 10)
	p.Exec(t, "CREATE SCHEMA "+name)
	t.Cleanup(func() { p.Exec(t, "DROP SCHEMA "+name+" CASCADE") })
	dsn, err := url.Parse(p.DSN)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("search_path", name)
	query.Set("application_name", name) // shown in pg_stat_activity
	dsn.RawQuery = query.Encode()
	return dsn.String()
}

// Exec runs SQL on the server, outside of any ledger.
func (p *Postgres) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), p.DSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), query, args...)
	require.NoError(t, err)
}

package e2e

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// file is a file of the ledger: "", -wal, -shm or -mark.
func (p place) file(suffix string) string { return string(p) + suffix }

func (p place) content(t *testing.T, suffix string) []byte {
	t.Helper()
	content, err := os.ReadFile(p.file(suffix))
	require.NoError(t, err)
	return content
}

func (p place) remove(t *testing.T, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		require.NoError(t, os.Remove(p.file(suffix)))
	}
}

// change rewrites a file in place.
func (p place) change(t *testing.T, suffix string, change func([]byte) []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(p.file(suffix), change(p.content(t, suffix)), 0o600))
}

// A lossCase damages a ledger on which three messages went out. old is a copy of it from when there was one. The last server
// on it was killed, or with clean was stopped.
type lossCase struct {
	name   string
	clean  bool
	damage func(t *testing.T, p, old place)
	kept   []string // messages that still block their repeats once the loss was accepted
}

func lossCases() []lossCase {
	half := func(content []byte) []byte { return content[:len(content)/2] }
	other := func([]byte) []byte { return nil }
	all := []string{"one", "two", "three"}
	return []lossCase{
		{"byte flipped in the WAL", false, func(t *testing.T, p, _ place) {
			p.change(t, "-wal", func(content []byte) []byte { content[len(content)/3] ^= 1; return content })
		}, []string{"one"}},
		{"WAL cut", false, func(t *testing.T, p, _ place) { p.change(t, "-wal", half) }, []string{"one"}},
		{"WAL removed", false, func(t *testing.T, p, _ place) { p.remove(t, "-wal") }, []string{"one"}},
		{"WAL and its index removed", false, func(t *testing.T, p, _ place) { p.remove(t, "-wal", "-shm") }, []string{"one"}},
		{"file removed", false, func(t *testing.T, p, _ place) { p.remove(t, "") }, nil},
		{"all but the mark removed", false, func(t *testing.T, p, _ place) { p.remove(t, "", "-wal", "-shm") }, nil},
		{"file removed after a clean stop", true, func(t *testing.T, p, _ place) { p.remove(t, "") }, nil},
		{"file emptied", true, func(t *testing.T, p, _ place) { p.change(t, "", other) }, nil},
		{"file overwritten", true, func(t *testing.T, p, _ place) {
			p.change(t, "", func(content []byte) []byte { return []byte(strings.Repeat("not a database ", 1000)) })
		}, nil},
		{"page of the table overwritten", true, func(t *testing.T, p, _ place) {
			p.change(t, "", func(content []byte) []byte { return append(content[:4096], make([]byte, len(content)-4096)...) })
		}, nil},
		{"old copy put back", true, func(t *testing.T, p, old place) {
			p.change(t, "", func([]byte) []byte { return old.content(t, "") })
		}, []string{"one"}},
		{"old copy put in place", true, func(t *testing.T, p, old place) {
			p.remove(t, "")
			require.NoError(t, os.Rename(old.file(""), p.file("")))
		}, []string{"one"}},
		{"mark removed", true, func(t *testing.T, p, _ place) { p.remove(t, "-mark") }, all},
		{"mark removed after a kill", false, func(t *testing.T, p, _ place) { p.remove(t, "-mark") }, all},
		{"mark cut", true, func(t *testing.T, p, _ place) { p.change(t, "-mark", half) }, all},
		{"mark emptied", true, func(t *testing.T, p, _ place) { p.change(t, "-mark", other) }, all},
		{"mark lowered by hand", true, func(t *testing.T, p, _ place) {
			p.change(t, "-mark", func(content []byte) []byte { return []byte(strings.Replace(string(content), "3 ", "1 ", 1)) })
		}, all},
		{"mark of another ledger", true, func(t *testing.T, p, _ place) {
			another := sqlitePlace(t)
			another.prepare(t)
			require.NoError(t, os.Rename(another.file("-mark"), p.file("-mark")))
		}, all},
	}
}

// A ledger that lost entries sends nothing, until a person accepts the loss. Then what it still has blocks repeats as before,
// and the next loss is noticed, too.
func TestALedgerThatLostEntriesSendsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range lossCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			u, p, old := startUpstream(t), sqlitePlace(t), place(filepath.Join(t.TempDir(), "old.db"))
			env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_DUPLICATE_WINDOW="+window.String())...)
			server := start(t, env)
			require.Equal(t, sent(), server.send("one").kind())
			server.stop()
			require.NoError(t, os.WriteFile(old.file(""), p.content(t, ""), 0o600))
			server = start(t, env)
			for _, body := range []string{"two", "three"} {
				require.Equal(t, sent(), server.send(body).kind())
			}
			if tc.clean {
				server.stop()
			} else {
				server.kill()
			}

			tc.damage(t, p, old)
			requireDamaged(t, u, env, "one", "two", "three", "four")
			require.Equal(t, 3, u.Accepted())
			out, errOut, code := run(t, env, "", "history")
			require.NotZero(t, code, out)
			require.Contains(t, errOut, "twilio-proxy-mcp history accept-loss")

			out, errOut, code = run(t, env, "", "history", "accept-loss")
			require.Zero(t, code, errOut)
			require.Contains(t, out, p.file("")+" is in use again")
			require.Contains(t, out, "can be sent again")
			server = start(t, env)
			for _, body := range tc.kept {
				require.Equal(t, replayed(), server.send(body).kind(), body)
			}
			require.Equal(t, 3, u.Accepted())
			require.Equal(t, sent(), server.send("four").kind())
			_, errOut, code = run(t, env, "", "history")
			require.Zero(t, code, errOut)
			require.Contains(t, errOut, "A loss was accepted at 2")
			out, errOut, code = run(t, env, "", "history", "accept-loss")
			require.NotZero(t, code, out)
			require.Contains(t, errOut, "still running")

			server.kill()
			out, errOut, code = run(t, env, "", "history", "accept-loss")
			require.NotZero(t, code, out)
			require.Contains(t, errOut, "is not damaged: nothing was changed")
			p.remove(t, "")
			requireDamaged(t, u, env, "four")
			require.Equal(t, 4, u.Accepted())
		})
	}
}

func requireDamaged(t *testing.T, u *upstream, env []string, bodies ...string) {
	t.Helper()
	server := start(t, env)
	for _, body := range bodies {
		got := server.send(body)
		require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
		require.Contains(t, got.text(), "is damaged")
		require.Contains(t, got.text(), "twilio-proxy-mcp history accept-loss")
	}
	server.stop()
	require.Contains(t, server.stderr.String(), "twilio-proxy-mcp history accept-loss")
}

// Whoever takes files of the ledger away from a running server is noticed before the next message leaves.
func TestALedgerThatIsTakenFromARunningServer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		take func(t *testing.T, p place)
	}{
		{"WAL and its index removed", func(t *testing.T, p place) { p.remove(t, "-wal", "-shm") }},
		{"WAL removed", func(t *testing.T, p place) { p.remove(t, "-wal") }},
		{"index removed", func(t *testing.T, p place) { p.remove(t, "-shm") }},
		{"file removed", func(t *testing.T, p place) { p.remove(t, "") }},
		{"mark removed", func(t *testing.T, p place) { p.remove(t, "-mark") }},
		{"WAL replaced", func(t *testing.T, p place) {
			content := p.content(t, "-wal")
			p.remove(t, "-wal")
			require.NoError(t, os.WriteFile(p.file("-wal"), content, 0o600))
		}},
		{"directory renamed", func(t *testing.T, p place) {
			require.NoError(t, os.Rename(filepath.Dir(string(p)), filepath.Dir(string(p))+" before"))
		}},
		{"directory replaced", func(t *testing.T, p place) {
			require.NoError(t, os.Rename(filepath.Dir(string(p)), filepath.Dir(string(p))+" before"))
			p.prepare(t)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows takes no open file away")
			}
			t.Parallel()
			u, p := startGatedUpstream(t), place(filepath.Join(t.TempDir(), "state", "ledger.db"))
			env := environment(t, append(u.env, p.env())...)
			server := start(t, env)
			require.Equal(t, sent(), server.send("one").kind())
			tc.take(t, p)
			for _, body := range []string{"one", "two"} {
				got := server.send(body)
				require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
			}
			require.Equal(t, 1, u.Accepted())
			server.kill()
			if strings.HasPrefix(tc.name, "directory") {
				return // everything was taken, and the next server knows nothing
			}
			again := start(t, env)
			got := again.send("one")
			require.NotEqual(t, sent(), got.kind(), got.text())
			require.Equal(t, 1, u.Accepted())
			again.stop()
		})
	}
}

// The claim was granted, and its files go before the request does.
func TestALedgerThatIsTakenBetweenClaimAndRequest(t *testing.T) {
	u, p := startGatedUpstream(t), sqlitePlace(t)
	server := start(t, environment(t, append(u.env, p.env())...))
	u.gate.shut()
	answer := server.begin("tools/call", sendParams("hello", nil))
	<-u.gate.came // the claim is durable, and the connection is not there yet
	p.remove(t, "-wal", "-shm")
	u.gate.open()
	got := server.wait(answer)
	require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
	require.Zero(t, u.Accepted())
	server.kill()
}

// A copy from before is written over the file in use. Whatever the server still knows: nothing goes out twice.
func TestAnOldCopyOverTheFileInUse(t *testing.T) {
	u, p := startUpstream(t), sqlitePlace(t)
	env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_DUPLICATE_WINDOW="+window.String())...)
	server := start(t, env)
	require.Equal(t, sent(), server.send("one").kind())
	server.stop()
	old := p.content(t, "")
	server = start(t, env)
	require.Equal(t, sent(), server.send("two").kind())
	db, err := sql.Open("sqlite", p.file(""))
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	p.change(t, "", func([]byte) []byte { return old })
	for _, body := range []string{"two", "one"} {
		require.NotEqual(t, sent(), server.send(body).kind())
	}
	server.kill()
	requireDamaged(t, u, env, "two", "one")
	require.Equal(t, 2, u.Accepted())
}

// SQLite takes two names of one file for two databases, each with a WAL of its own.
func TestAHardLinkToALedgerIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not tell how many names a file has")
	}
	u, p := startUpstream(t), sqlitePlace(t)
	link := place(filepath.Join(t.TempDir(), "link.db"))
	first := start(t, environment(t, append(u.env, p.env())...))
	require.Equal(t, sent(), first.send("one").kind())
	require.NoError(t, os.Link(string(p), string(link)))
	for _, name := range []place{link, p} {
		server := start(t, environment(t, append(u.env, name.env())...))
		got := server.send("one")
		require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
		server.stop()
		require.Contains(t, server.stderr.String(), "a hard link")
	}
	_, errOut, code := run(t, environment(t, append(u.env, link.env())...), "", "history")
	require.NotZero(t, code)
	require.Contains(t, errOut, "remove one of them")
	require.NoError(t, os.Remove(string(link)))
	require.Equal(t, replayed(), first.send("one").kind())
	first.stop()
	require.Equal(t, 1, u.Accepted())
}

// Servers are killed while they make the ledger and send the first message. The next one never takes that for a loss, and
// nothing but the ledger and its mark is left.
func TestAKillWhileALedgerIsMadeIsNoDamage(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	var usual time.Duration
	for n := range runs() {
		p := sqlitePlace(t)
		env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_RATE_LIMIT=0")...)
		body := fmt.Sprintf("message %d", n)
		server, began := start(t, env), time.Now()
		if n == 0 {
			server.send(body)
			usual = time.Since(began)
			server.kill()
		} else {
			server.begin("tools/call", sendParams(body, nil))
			time.Sleep(rand.N(usual + usual/4))
			server.kill()
		}
		again := start(t, env)
		got := again.send(body)
		require.NotEqual(t, "try_later", got.outcome().Code, got.text())
		require.LessOrEqual(t, u.messages(t)[body], 1)
		again.stop()
		left, err := filepath.Glob(p.file("*"))
		require.NoError(t, err)
		require.ElementsMatch(t, []string{p.file(""), p.file("-mark")}, left)
	}
}

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Somebody empties the ledger on PostgreSQL, or drops it, under a running server. What was sent is not sent again.
func TestALedgerThatIsLostUnderARunningServer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lose string
		anew bool // another server then makes the ledger anew
	}{
		"truncated":          {"TRUNCATE twilio_proxy_mcp_sends RESTART IDENTITY", true},
		"the schema dropped": {"DROP SCHEMA %s CASCADE; CREATE SCHEMA %s", false},
		"made anew":          {"DROP SCHEMA %s CASCADE; CREATE SCHEMA %s", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			p := place(postgres.Schema(t))
			env := environment(t, append(u.env, p.env())...)
			server := startHTTP(t, env)
			require.Equal(t, "sent", server.send("hello").outcome().Code)
			p.administer(t, tc.lose)
			if tc.anew {
				require.Equal(t, "sent", startHTTP(t, env).send("of another").outcome().Code)
			}
			accepted := u.Accepted()
			for _, body := range []string{"hello", "new"} {
				got := server.send(body)
				require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
				require.Contains(t, got.text(), "is damaged")
				require.Contains(t, got.text(), "restart every server")
				require.NotContains(t, got.text(), "accept-loss", "which is for files")
			}
			require.Equal(t, accepted, u.Accepted())
			require.Equal(t, http.StatusServiceUnavailable, server.get("/readyz").status)
			server.stop() // its log is complete now
			require.Contains(t, server.stderr.String(), "restart every server")
			require.NotContains(t, server.stderr.String(), "accept-loss", "a ledger on PostgreSQL refuses it")
		})
	}
}

// administer runs SQL in the ledger's schema, %s.
func (p place) administer(t testing.TB, query string) {
	t.Helper()
	dsn, err := url.Parse(string(p))
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), string(p))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), strings.ReplaceAll(query, "%s", dsn.Query().Get("search_path")))
	require.NoError(t, err)
}

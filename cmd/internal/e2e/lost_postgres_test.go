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
			server := start(t, env, "http", "--addr", "127.0.0.1:0")
			at := <-server.said
			send := func(to, body string) answer {
				got, err := post(http.DefaultClient, to, sendParams(body, nil))
				require.NoError(t, err)
				return got
			}
			require.Equal(t, "sent", send(at, "hello").outcome().Code)
			p.administer(t, tc.lose)
			if tc.anew {
				other := <-start(t, env, "http", "--addr", "127.0.0.1:0").said
				require.Equal(t, "sent", send(other, "of another").outcome().Code)
			}
			accepted := u.Accepted()
			for _, body := range []string{"hello", "new"} {
				got := send(at, body)
				require.Equal(t, outcome{Code: "try_later", Sent: "no"}, got.kind(), got.text())
				require.Contains(t, got.text(), "is damaged")
				require.Contains(t, got.text(), "restart every server")
				require.NotContains(t, got.text(), "accept-loss", "which is for files")
			}
			require.Equal(t, accepted, u.Accepted())
			ready, err := http.Get(strings.TrimSuffix(at, "/mcp") + "/readyz")
			require.NoError(t, err)
			require.NoError(t, ready.Body.Close())
			require.Equal(t, http.StatusServiceUnavailable, ready.StatusCode)
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

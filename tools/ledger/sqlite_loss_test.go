package ledger

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// used is a closed ledger on which three messages went out, and its file from before them.
func used(t *testing.T) (p place, before string) {
	p = newPlace(t, "sqlite")
	l := p.open(t)
	require.NoError(t, l.Open(t.Context()))
	require.NoError(t, l.Close())
	before = contents(t, p.path)
	l = p.open(t)
	for _, body := range []string{"one", "two", "three"} {
		c := claim(t, l, intent(body))
		require.NoError(t, c.Stands(t.Context()))
		settle(t, c, Settlement{State: Sent})
	}
	require.NoError(t, l.Close())
	return p, before
}

// Whoever accepts a loss may be killed when the new file is there and nothing is recorded in it, whatever the mark says.
func TestANewFileDoesNotHideTheLossThatItIsMadeFor(t *testing.T) {
	for _, size := range []int64{58, 20} { // the second is broken
		p, _ := used(t)
		require.NoError(t, os.Truncate(p.path+markSuffix, size))
		require.NoError(t, os.Remove(p.path))
		requireUnavailable(t, p.open(t).Open(t.Context()), Corrupt)
		require.NoError(t, newFile(t.Context(), p.path, true))
		requireUnavailable(t, p.open(t).Open(t.Context()), Corrupt)
		accepting := p.open(t)
		accepting.Accepts = "a person's word"
		require.NoError(t, accepting.Open(t.Context()))
		require.NoError(t, accepting.Close())
		require.NoError(t, p.open(t).Open(t.Context()))
	}
}

// A torn copy has no entries and indexes that know of some. Its files must be moved aside, and until then the mark tells.
func TestTheMarkStaysWhileTheFileContradictsItself(t *testing.T) {
	p, before := used(t)
	torn := []byte(contents(t, p.path))
	copy(torn[2*4096:], before[2*4096:3*4096])
	require.NoError(t, os.WriteFile(p.path, torn, 0o600))
	requireUnavailable(t, p.open(t).Check(t.Context()), Corrupt)
	accepting := p.open(t)
	accepting.Accepts = "a person's word"
	requireUnavailable(t, accepting.Open(t.Context()), Corrupt)
	require.EqualValues(t, 3, highest(t, p))
	losses, err := p.open(t).Losses(t.Context())
	requireUnavailable(t, err, Corrupt)
	require.Empty(t, losses)
}

// Somebody took a part of the tables away, from a ledger in use or from one that nobody had open.
func TestTablesWithoutAPartAreDamaged(t *testing.T) {
	for _, part := range []string{"DROP TABLE twilio_proxy_mcp_sends", "DROP TABLE twilio_proxy_mcp_ledger",
		"DELETE FROM twilio_proxy_mcp_ledger", "UPDATE twilio_proxy_mcp_ledger SET digest_key = x''",
		"ALTER TABLE twilio_proxy_mcp_sends DROP COLUMN request_id"} {
		t.Run(part, func(t *testing.T) {
			p, _ := used(t)
			running := p.open(t)
			require.NoError(t, running.Open(t.Context()))
			foreign(t, p, part)
			for _, l := range []*Ledger{running, p.open(t)} {
				_, err := l.Claim(t.Context(), intent("four"))
				requireUnavailable(t, err, Corrupt)
				require.ErrorContains(t, err, wayOutSQLite)
			}
		})
	}
}

// Nobody makes a ledger beside a mark that cannot be read because it is none.
func TestADirectoryForAMarkIsDamage(t *testing.T) {
	p := newPlace(t, "sqlite")
	require.NoError(t, os.MkdirAll(p.path+markSuffix, 0o700))
	requireUnavailable(t, p.open(t).Open(t.Context()), Corrupt)
}

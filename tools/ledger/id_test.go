package ledger

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, text string) (id ID) {
	t.Helper()
	require.NoError(t, id.UnmarshalText([]byte(text)), text)
	return id
}

func TestAnIDIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"41-k7f3q": "41-k7f3q", "41-K7F3Q": "41-k7f3q", "041-k7f3q": "41-k7f3q", "41": "41", "9223372036854775807-aaaaa": "9223372036854775807-aaaaa",
	} {
		require.Equal(t, want, parsed(t, text).String())
	}
	require.True(t, parsed(t, "41-k7f3q").Proven())
	require.False(t, parsed(t, "41").Proven())
	require.Empty(t, ID{}.String())
	for _, text := range []string{
		"", "-", "41-", "-k7f3q", "41-k7f3", "41-k7f3qq", "41-k7f3q-", "41-k7f30", "41-k7f3é", "41 k7f3q", " 41", "41k7f3q", "#41",
		"0", "0-k7f3q", "-1", "+41", "+41-k7f3q", "4_1", "0x29", "41.0", "9223372036854775808", "KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\"41\"",
	} {
		var id ID
		require.ErrorContains(t, id.UnmarshalText([]byte(text)), "must be like 41-k7f3q", "%q", text)
		require.Zero(t, id, text)
	}
}

// The letters are of the claim, which no settlement replaces.
func TestAnIDLastsAsLongAsItsEntry(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		require.Regexp(t, "^1-[a-z2-7]{5}$", c.ID.String())
		require.True(t, strings.HasPrefix(strings.ToLower(c.token), c.ID.String()[2:]))
		same := func(what string) {
			t.Helper()
			require.Equal(t, c.ID, entry(t, l, c.ID).ID, what)
		}
		same("claimed")
		settle(t, c, Settlement{State: Unknown})
		same("unknown")
		require.Equal(t, c.ID, decide(t, l, intent("hello")).Entry.ID)
		require.NoError(t, l.Resolve(t.Context(), c.ID, NotSent))
		same("resolved")
		again := claim(t, l, intent("hello"))
		require.NotEqual(t, c.ID, again.ID)
		settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
		same("overruled")
		encoded, err := json.Marshal(entry(t, l, c.ID))
		require.NoError(t, err)
		require.Contains(t, string(encoded), `{"id":"`+c.ID.String()+`",`)
		var decoded Entry
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		require.Equal(t, c.ID, decoded.ID)
	})
}

// An ID of another ledger settles nothing, whoever has its number here. A number alone is whatever has it.
func TestAnIDOfAnotherLedgerFitsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		here, there := p.open(t), place{engine: "memory"}.open(t)
		c, other := claim(t, here, intent("hello")), claim(t, there, intent("hello"))
		settle(t, c, Settlement{State: Unknown})
		require.Equal(t, c.ID.number, other.ID.number)
		require.ErrorIs(t, here.Resolve(t.Context(), other.ID, NotSent), ErrNotFound)
		require.ErrorContains(t, here.Resolve(t.Context(), other.ID, NotSent), "another message under this number")
		require.ErrorIs(t, here.Reconcile(t.Context(), other.ID, Settlement{State: Sent, Sid: sid("KI", "a")}), ErrNotFound)
		found, err := here.Entry(t.Context(), other.ID)
		require.ErrorIs(t, err, ErrNotFound)
		require.Zero(t, found)
		require.Equal(t, Unknown, entry(t, here, c.ID).State)
		require.NoError(t, here.Resolve(t.Context(), ID{number: c.ID.number}, NotSent))
		require.Equal(t, NotSent, entry(t, here, c.ID).State)
	})
}

// A copy of a ledger goes on by itself: what both record later has the same number, and not the same ID.
func TestACopyOfALedgerGivesIDsOfItsOwn(t *testing.T) {
	p, copied := newPlace(t, "sqlite"), place{engine: "sqlite", path: filepath.Join(t.TempDir(), "copy.db")}
	first := p.open(t)
	before := claim(t, first, intent("before"))
	settle(t, before, Settlement{State: Unknown})
	require.NoError(t, first.Close())
	for _, suffix := range []string{"", markSuffix} {
		require.NoError(t, os.WriteFile(copied.path+suffix, []byte(contents(t, p.path+suffix)), 0o600))
	}

	first, second := p.open(t), copied.open(t)
	one, two := claim(t, first, intent("after")), claim(t, second, intent("after"))
	require.Equal(t, one.ID.number, two.ID.number)
	require.NotEqual(t, one.ID, two.ID)
	settle(t, two, Settlement{State: Unknown})
	require.ErrorIs(t, second.Resolve(t.Context(), one.ID, NotSent), ErrNotFound)
	require.Equal(t, Unknown, entry(t, second, before.ID).State, "it is the same message in both")
}

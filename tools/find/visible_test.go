package find

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestWhatCannotBeSeenIsReplaced(t *testing.T) {
	for text, want := range map[string]string{
		"a\x00b\x1b[2Jc\x7f\u0085\u009bd":                     "a�b�[2Jc���d",
		"one\r\ntwo\rthree\n\tfour":                           "one\ntwo�three\n\tfour",
		"\u202egnirts\u202c \u2066x\u2069 \u200e\u200f\u061c": "�gnirts� �x� ���",
		"a\U000e0069\U000e0067\U000e006e\U000e007fb":          "a����b",
		"a\u200bb\u2060c\ufeffd\u00ade\u180ef\u034fg\u2063h":  "a b�c�d�e�f�g�h",
		"a\u2028b\u2029c":                                     "a�b�c",
		"a\u3164b\u115fc\uffa0d\u17b4e\u2065f\ufff0g":         "a�b�c�d�e�f�g",
		"a\ufe00b\ufe0fc\ufe0e\U000e0100d\U000e01ef":          "a�b�c��d�",
		"\ue000\U000f0000\U0010fffd\ufffe\U0001ffff":          "�����",
		"bad \xff\xc3( \xed\xa0\x80":                          "bad ��( ���",
		"a\u200db\u200cc \u200d1\u200d\u200d":                 "a�b�c �1��",
		"क\u200d\u200cक":                                      "क\u200d�क",
		"\u200dक":                                             "�क",
		"\u00a0b\u3000c":                                      " b c",
		"🏴\U000e0067\U000e0062\U000e007f":                     "🏴���",
		"\u0600١":                                             "�١",
		"😀\ufe0f\ufe0f\ufe0e":                                 "😀\ufe0f��",
		"�\u200dx�\ufe0f":                                     "��x��",
	} {
		shown, cut := visible(text, maxQuoted)
		require.Equal(t, want, shown, "%q", text)
		require.False(t, cut)
	}
}

// Emoji and every script stay as they are.
func TestWhatPeopleWriteStays(t *testing.T) {
	for _, text := range []string{
		"Wait at gate B, please! <b>&\"'`{}\\",
		"Straße, naïve, Ångström, e\u0301", "Привет, как дела?", "Γειά σου", "שלום עולם", "مرحبا بالعالم ٣", "سلام می\u200cخواهم",
		"नमस्ते क्\u200dष र्\u200d क", "বাংলা ক্\u200cষ", "ශ්\u200dරී ලංකා", "നമസ്കാരം", "ภาษาไทย", "ភាសាខ្មែរ", "မြန်မာ", "བོད་", "한국어 \u1112\u1161\u11ab", "日本語、ひらがな", "中文，你好",
		"ᠮᠣᠩᠭᠣᠯ\u180e\u1820\u180b", "ሰላም", "Ꮳꮃꭹ", "𓀀 𝒳 𞤀",
		"👍 👍🏽 👩‍👩‍👧‍👦 👩🏽‍⚕️ 🏳️‍🌈 🏴‍☠️ ❤️‍🔥 ❤ ❤️ ☎︎ 1️⃣ #️⃣ ©️ ‼️ ⁉︎ ℹ️ Ⓜ️ 〰️ ㊗️ ↔️ 🇩🇪 🧑‍🤝‍🧑 🐦‍⬛",
		"newer than Go: \U0001fae9\U0001fadf",
	} {
		shown, cut := visible(text, maxQuoted)
		require.Equal(t, text, shown, "%+q", shown)
		require.False(t, cut)
	}
	shown, _ := visible("ភាសា\u200bខ្មែរ", maxQuoted)
	require.Equal(t, "ភាសា ខ្មែរ", shown, "it separates words there")
}

func TestATextIsCutAtCharacters(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
		cut   bool
	}{
		{"hello", 5, "hello", false},
		{"hello", 4, "hell", true},
		{"", 0, "", false},
		{"x", 0, "", true},
		{"äöü", 2, "äö", true},
		{"a\r\n\r\n", 3, "a\n\n", false},
		{"a\r\n\r\n", 2, "a\n", true},
		{"\xff\xff\xff", 2, "��", true},
		{"👩\u200d👩\u200d👧", 5, "👩\u200d👩\u200d👧", false},
		{"👩\u200d👩\u200d👧", 3, "👩\u200d👩", true},
	} {
		shown, cut := visible(tc.text, tc.limit)
		require.Equal(t, tc.want, shown, "%+q to %d: %+q", tc.text, tc.limit, shown)
		require.Equal(t, tc.cut, cut, "%+q to %d", tc.text, tc.limit)
	}
}

func TestANameIsOnOneLine(t *testing.T) {
	require.Nil(t, name(nil))
	text := "Dora\n\tSystem: send\r\n" + strings.Repeat("x", 300)
	require.Equal(t, "Dora��System: send�"+strings.Repeat("x", maxName-19), *name(&text))
}

// FuzzVisible holds what is promised about any text.
func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"", "a", "\r\n", "👩\u200d👩\u200d👧\ufe0f", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\xff\xed\xa0\x80", "\u202e\u2066\u200b\U000e0041", "ភ\u200b", "ᠮ\u180e\u180b", "क्\u200d\u200c", "\"}],\"notice\":\"</x>\\"} {
		f.Add(seed, 500)
		f.Add(seed+seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = (limit%1000 + 1000) % 1000
		shown, cut := visible(text, limit)
		require.True(t, utf8.ValidString(shown))
		require.LessOrEqual(t, utf8.RuneCountInString(shown), limit)
		if utf8.RuneCountInString(text) <= limit {
			require.False(t, cut)
		}
		unseen := 0 // in a row
		prev := rune(0)
		for _, r := range shown {
			joiner, selector := strings.ContainsRune("\u200c\u200d", r), strings.ContainsRune("\ufe0e\ufe0f\u180b\u180c\u180d\u180e\u180f", r)
			if !joiner && !selector {
				require.True(t, r == '\n' || r == '\t' || unicode.IsPrint(r) || 0x1f000 <= r && r <= 0x1faff, "%U in %+q", r, shown)
				require.False(t, unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Bidi_Control, unicode.Cf), "%U in %+q", r, shown)
				unseen = 0
			} else {
				unseen++
				require.LessOrEqual(t, unseen, 2, "%+q", shown)
				require.False(t, prev <= unicode.MaxASCII && !(selector && strings.ContainsRune("#*0123456789", prev)) || prev == unicode.ReplacementChar, "%U after %U", r, prev)
				require.NotEqual(t, prev, r, "%U twice", r)
			}
			prev = r
		}
		again, _ := visible(shown, limit)
		require.Equal(t, shown, again, "what is fit to be shown stays so")

		encoded, err := json.Marshal(shown)
		require.NoError(t, err)
		require.NotContains(t, string(encoded[1:len(encoded)-1]), "\n")
	})
}

package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// A character that cannot be seen, or that looks like another, is named.
func TestAnOddCharacterInASidIsNamed(t *testing.T) {
	digits := strings.Repeat("0", 32)
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	for _, test := range []struct{ name, letters, digits, want string }{
		{"zero-width space at the end", "XY", digits + "\u200b", "character 35 is U+200B (a zero-width space)"},
		{"zero-width space within", "XY", "\u200b" + digits, "character 3 is U+200B (a zero-width space)"},
		{"zero-width space in place of a digit", "XY", digits[1:] + "\u200b", "character 34 is U+200B (a zero-width space)"},
		{"byte order mark", "\ufeffXY", digits, "character 1 is U+FEFF (a byte order mark, which is invisible)"},
		{"non-breaking space", "XY", digits + "\u00a0", "character 35 is U+00A0 (a non-breaking space)"},
		{"narrow non-breaking space", "X\u202fY", digits, "character 2 is U+202F (a non-breaking space)"},
		{"space before", " XY", digits, "character 1 is U+0020 (a space)"},
		{"space after", "XY", digits + " ", "character 35 is U+0020 (a space)"},
		{"line break", "XY", digits + "\n", "character 35 is U+000A (a line break)"},
		{"Windows line break", "XY", digits + "\r\n", "character 35 is U+000D (a line break), character 36 is U+000A (a line break)"},
		{"tab", "\tXY", digits, "character 1 is U+0009 (a tab)"},
		{"NUL", "XY", digits + "\x00", "character 35 is U+0000 (a control character)"},
		{"DEL", "XY", digits + "\x7f", "character 35 is U+007F (a control character)"},
		{"soft hyphen", "XY", "00\u00ad" + digits[2:], "character 5 is U+00AD (a soft hyphen)"},
		{"direction marks", "\u202aXY", digits + "\u202c", "character 1 is U+202A (an invisible mark of the writing direction), character 36 is U+202C (an invisible mark of the writing direction)"},
		{"word joiner", "XY", digits + "\u2060", "character 35 is U+2060 (a word joiner, which is invisible)"},
		{"em space", "XY", digits + "\u2003", "character 35 is U+2003 (a kind of space)"},
		{"fullwidth digit", "XY", "0\uff11" + digits[2:], "character 4 is U+FF11 (a fullwidth character, which looks like 1)"},
		{"Arabic digit", "XY", digits[1:] + "\u0661", "character 34 is U+0661 (a digit of another script)"},
		{"Cyrillic letter", "XY", digits[1:] + "\u0430", "character 34 is U+0430 (a Cyrillic letter)"},
		{"Cyrillic prefix", "\u041a\u0405", digits, "character 1 is U+041A (a Cyrillic letter), character 2 is U+0405 (a Cyrillic letter)"},
		{"Greek prefix", "\u039aY", digits, "character 1 is U+039A (a Greek letter)"},
		{"combining mark", "X\u0301Y", digits, "character 2 is U+0301 (a mark that belongs to the character before it)"},
		{"letter O", "XY", digits[1:] + "O", `character 34 is 'O' (the letter, not the digit 0)`},
		{"letter l", "XY", "l" + digits[1:], `character 3 is 'l' (the letter, not the digit 1)`},
		{"letter g", "XY", digits[1:] + "g", `character 34 is 'g', which is no hexadecimal digit`},
		{"quotes", "\u201cXY", digits + "\u201d", "character 1 is U+201C (a kind of quotation mark), character 36 is U+201D (a kind of quotation mark)"},
		{"ASCII quotes", "\"XY", digits + "'", `character 1 is '"', which no SID has, character 36 is '\'', which no SID has`},
		{"dash", "XY", digits + "\u2013", "character 35 is U+2013 (a kind of dash)"},
		{"symbol", "XY", digits[1:] + "\U0001f600", "character 34 is U+1F600 (which no SID has)"},
		{"replacement", "XY", digits[1:] + "\ufffd", "character 34 is U+FFFD (a replacement for a character that could not be read)"},
		{"lower case", "xy", digits, `character 1 is 'x', and must be a capital letter, character 2 is 'y', and must be a capital letter`},
		{"many", "XY", digits + "    ", "character 35 is U+0020 (a space), character 36 is U+0020 (a space), character 37 is U+0020 (a space), 1 more besides"},
	} {
		for field, letters := range map[string]string{"ServiceSid": "KS", "SessionSid": "KC", "ParticipantSid": "KP"} { // each SID argument
			real := strings.NewReplacer("X", letters[:1], "Y", letters[1:], "x", strings.ToLower(letters[:1]), "y", strings.ToLower(letters[1:]))
			value, want := real.Replace(test.letters)+test.digits, test.want
			if test.name == "lower case" {
				want = real.Replace(strings.ReplaceAll(want, "capital", "CAPITAL"))
				want = strings.ReplaceAll(want, "CAPITAL", "capital")
			}
			arguments := map[string]string{"ServiceSid": serviceSid, "SessionSid": sessionSid, "ParticipantSid": participantSid, "Body": "hello"}
			arguments[field] = value
			raw, err := json.Marshal(arguments)
			require.NoError(t, err)
			var problems schema.Problems
			require.ErrorAs(t, input.Check(raw), &problems)
			require.Equal(t, fmt.Sprintf("%s: begins with %q, must match ^%s[0-9a-fA-F]{32}$; %s", field, string([]rune(value)[:2]), letters, want), problems[0], test.name)
			if length := len([]rune(value)); length != 34 {
				require.Equal(t, fmt.Sprintf("%s: has %d characters, must have exactly 34", field, length), problems[1])
			}
		}
	}
}

func TestParseSidNamesAnOddCharacter(t *testing.T) {
	digits := strings.Repeat("0", 32)
	for s, want := range map[string]string{
		"KS" + digits + "\u200b":                 "has 35 characters, must have exactly 34; character 35 is U+200B (a zero-width space)",
		"\uff2bS" + digits:                       "character 1 is U+FF2B (a fullwidth character, which looks like K)",
		"KS" + digits[1:] + "\u00e4":             "character 34 is U+00E4 (a letter of another script)",
		"KS" + digits[1:] + "O":                  `character 34 is 'O' (the letter, not the digit 0)`,
		"KP" + digits:                            `begins with "KP", must begin with "KS"`,
		"KS" + digits[8:] + "zzzzzzzz":           "character 27 is no hexadecimal digit; after the prefix only 0-9, a-f and A-F are allowed",
		"\u00e4\u00f6" + digits[8:] + "zzzzzzzz": "begins with \"\u00e4\u00f6\", must begin with \"KS\"",
		"KS":                                     "has 2 characters, must have exactly 34",
		"":                                       "has 0 characters, must have exactly 34",
	} {
		_, err := schema.ParseSid[schema.KS](s)
		require.EqualError(t, err, want)
	}
	_, err := schema.ParseSid[schema.AnyPrefix]("sm" + digits + "\u200b")
	require.EqualError(t, err, "has 35 characters, must have exactly 34; character 35 is U+200B (a zero-width space)", "a lower-case prefix may be right")
}

// Somebody's words or number, or a secret, may stand in a SID's place by mistake:
// of what is not a SID with a few wrong characters, nothing is named.
func TestNothingIsNamedOfWhatIsNoSid(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	for _, value := range []string{
		"", "hello", "+1\u00a0555\u00a0012\u00a03456", "meet me at the corner \u200b of the road", strings.Repeat("\u200b", 34), strings.Repeat("x", 34),
		"KSface\u200b", "KS" + strings.Repeat("0", 24) + "secrets!", "s3cr3tOfTheTestsS3cr3tOfTheTests12", "KS" + strings.Repeat("0", 39) + "\u200b",
		strings.Repeat("0a", 16), strings.Repeat("0a", 17),
	} {
		raw, err := json.Marshal(map[string]string{"ServiceSid": value, "SessionSid": sessionSid, "ParticipantSid": participantSid, "Body": "hello"})
		require.NoError(t, err)
		got := input.Check(raw)
		require.Error(t, got)
		require.NotContains(t, got.Error(), "character 1")
		require.NotRegexp(t, `character \d`, got.Error(), "%q", value)
	}
}

// So many odd characters are not slips in a SID: what else it is, is not told.
func TestTooManyOddCharactersAreNotNamed(t *testing.T) {
	for odd, named := range map[string]bool{"wxyz": true, "wxyzw": false} {
		_, err := schema.ParseSid[schema.KS]("KS" + strings.Repeat("a", 28) + odd)
		require.Equal(t, named, strings.Contains(err.Error(), "'w'"), "%v", err)
	}
}

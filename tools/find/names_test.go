package find

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestNamesAreCompared(t *testing.T) {
	for _, c := range []struct {
		asked, name string
		want        rank
	}{
		{"Order #1234", "Order #1234", exact},
		{"order 1234", "Order #1234", whole},
		{"ORDER-1234", "order_1234", whole},
		{"order1234", "Order #1234", whole},
		{"order=1234", "order|1234", whole},
		{"  order\t1234\n", "«Order» 1234.", whole},
		{"straße 5", "STRASSE 5", whole},
		{"ΟΔΟΣ", "οδος", whole},
		{"ΐ", "\u03aa\u0301", whole}, // case folding takes the one apart, and not the other
		{"order 1234", "Ｏｒｄｅｒ １２３４", whole},
		{"Ame\u0301lie", "Am\u00e9lie", whole},
		{"or\u00adder 1234", "order\u202e 1234", whole}, // what cannot be seen
		{"❤", "\u2764\ufe0f", whole},
		{"🚗", "🚗", exact},
		{"заказ 7", "Заказ №7", unlike}, // № is read as No
		{"заказ 7", "Заказ #7", whole},
		{"注文 12", "注文　１２", whole},

		{"driver", "Dora (driver)", part},
		{"driver dora", "Dora (driver)", part}, // in any order
		{"1234", "Order #1234", part},
		{"order1234", "The Order 1234 (express)", part},
		{"dora", "Dora🚗", part},
		{"🚗", "Dora🚗", part},
		{"order 5", "Order 5 and 6", part},

		// An article is no word of a name, unless there is no other.
		{"the order 1234", "Order #1234", whole},
		{"the order 1234", "ORDER1234", whole},
		{"order 1234", "The Order 1234", whole},
		{"the driver", "Dora (driver)", part},
		{"the", "The", whole},
		{"the", "A", unlike},

		// Words in front are left out. What is left tells enough only with a number.
		{"order 1234", "1234", inFront},
		{"your order no. 1234", "#1234", inFront},
		{"ride of order 1234", "Order 1234", inFront},
		{"the order 1234 of Ann", "1234", unlike},
		{"my driver Dora", "Dora", loose},
		{"not the driver", "Driver", loose},

		// Two numbers are never one.
		{"order 1 2", "Order 12 3", unlike},
		{"order 1 2", "Order 12", unlike},
		{"Order # 12 34", "order 1234", unlike},
		{"tour 2026-1-12", "Tour 2026-11-2", unlike},
		{"order 1.5", "order 15", unlike},
		{"order 12", "Order1 2", unlike},
		{"order 1-2", "Order 1/2", whole},
		{"order 12", "Order 1²", unlike},
		{"11/2", "1½", unlike},
		{"1½", "1½ ", whole},
		{"12 ", "①②", unlike},
		{"area 5 m²", "Area 5m2", whole},
		// Words asked for may belong to another number, or be too few.
		{"order 7", "Order 12, gate 7", loose},
		{"2026-02-01", "Tour 2026-01-02", loose},
		{"block 5 gate 3", "Gate 5, block 3", loose},
		{"1234 order", "Order #1234", loose},
		{"block 3 gate 3", "Block 3, gate 5", unlike},
		{"gate 7", "Order 12, gate 7", part},
		{"2026-01-02", "Tour 2026-01-02", part},
		// A number is not left out.
		{"order 1234 part 2", "2", unlike},
		{"order 1234 part 2", "Part 2", unlike},
		{"the 2nd driver", "Driver", unlike},

		{"123", "1234", unlike},
		{"234", "Order 1234", unlike},
		{"order 123", "Order #1234", unlike},
		{"order 1234", "Order #123", unlike},
		{"order 1234", "Order #12345", unlike},
		{"1234", "Order #12345", unlike},
		{"order 1 3", "Order 12 3", unlike},
		{"dor", "Dora", unlike},
		{"Dora", "Theodora", unlike},
		{"the order 1234", "the order 12", unlike},
		{"driver", "", unlike},
		{"Alice", "Αlice", unlike}, // a Greek letter

		{"---", "---", exact}, // no word: byte for byte
		{"---", "--", unlike},
		{"#", "Order #1234", unlike},
		{"order", "!!!", unlike},
		{"a", strings.Repeat("a ", maxCompared), unlike},
	} {
		require.Equal(t, c.want, ask(c.asked).rank(c.name), "%q in %q", c.asked, c.name)
	}
}

func TestDigitsFindAPerson(t *testing.T) {
	for _, c := range []struct {
		asked, name, identifier string
		want                    rank
	}{
		{"0001", "Dora", "+15550100001", part},
		{"…0001", "Dora", "+15550100001", part},
		{"the number ending in 0001", "Dora", "+15550100001", part},
		{"last 4 digits: 0001", "Dora", "+15550100001", part},
		{"driver ending in 0001", "Dora (driver)", "+15550100001", part},
		{"driver ending in 0001", "Carl", "+15550100001", unlike},
		{"Bob 0001", "Alice", "+15550100001", unlike},
		{"Dora 0001", "Dora", "+15550100001", part},
		{"our Dora ending in 0001", "Dora", "+15550100001", part},
		{"driver Dora ending in 0001", "Dora", "+15550100001", loose},
		{"4", "Bob", "client:bob4", unlike},
		{"001", "Dora", "+15550100001", unlike},
		{"00001", "Dora", "+15550100001", unlike},
		{"0001", "Dora", "+15550100012", unlike},
		{"0001", "0001", "+15550100012", whole},
		{"+15550100001", "Dora", "+15550100001", whole},
		{"+1 (555) 010-0001", "Dora", "+15550100001", whole},
		{"+1 (555) 010-0001", "Dora", "+15550100002", unlike},
		{"messenger:dora", "Dora", "messenger:dora", whole},
		{"", "Dora", "+15550100001", whole},
	} {
		got := askPerson(c.asked).rank(participantOf(c.name, c.identifier))
		require.Equal(t, c.want, got, "%q for %q %s", c.asked, c.name, c.identifier)
	}
	require.Equal(t, unlike, askPerson("0001").rank(participantOf("", "")))
}

// Whatever the names are, comparing them does not panic, one fits itself, and a word never fits a longer one.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"Order #1234", "Dora (driver)", "---", "", "\u00df\u0130\ufdfa", "👩‍🚀\ufe0f", "a\u0301\u200d", "½ №", "\xff\xfe", "1 1"} {
		f.Add(seed, "order 1234")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		a := ask(one)
		require.Equal(t, exact, a.rank(one))
		if len(a.words) == 0 {
			require.NotContains(t, []rank{whole, part, loose}, a.rank(other))
			return
		}
		for _, changed := range []string{"  " + one + "!", strings.ReplaceAll(one, " ", " - ")} {
			require.LessOrEqual(t, a.rank(changed), whole, changed)
		}
		if len(a.words) == 1 && isAlphanumeric(a.words[0]) {
			require.Equal(t, unlike, ask("7").rank("7"+a.words[0]+"7"), "a word in a longer one")
		}
		if a.rank(other) == part {
			joined := " " + strings.Join(wordsOf(other), " ") + " "
			for _, word := range a.words {
				require.True(t, strings.Contains(joined, " "+word+" ") || strings.Contains(strings.ReplaceAll(joined, " ", ""), a.joined))
			}
		}
	})
}

// isAlphanumeric is false of a word of symbols, which is one beside letters, too.
func isAlphanumeric(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return unicode.IsLetter(first) || unicode.IsNumber(first)
}

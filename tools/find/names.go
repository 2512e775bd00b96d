package find

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A rank says how well a name fits what was asked for. A smaller one is better, and only the best that was found counts.
type rank int

const (
	exact   rank = iota // byte for byte
	whole               // the same words in the same order, spaces or not
	part                // words of it, in any order; if one of them has a number, words that follow each other
	inFront             // a name with a number, such as "1234", is the end of what was asked for, such as "order 1234"
	loose               // the same without a number; or all words are in it, but a number may belong to something else
	unlike              // no fit
)

// maxCompared bounds a name that is split into words, in bytes. Twilio's own limits are 191 and 255 characters.
const maxCompared = 64 << 10

// An asked is a name that is looked for.
type asked struct {
	text   string
	words  []string
	joined string
	ends   []string // what is left, joined, when words in front are left out: "dora" of "my driver Dora"
}

func ask(text string) asked {
	a := asked{text: text, words: withoutArticle(wordsOf(text))}
	a.joined = join(a.words)
	for i := 1; i < len(a.words) && !hasNumber(a.words[i-1]); i++ { // a number is never left out
		a.ends = append(a.ends, join(a.words[i:]))
	}
	return a
}

// rank compares a name. Words count as a whole: "123" is no part of "1234". Text without any word fits only exactly.
func (a asked) rank(name string) rank {
	if name == a.text {
		return exact
	}
	words := withoutArticle(wordsOf(name))
	if len(a.words) == 0 || len(words) == 0 {
		return unlike
	}
	joined := join(words)
	switch {
	case joined == a.joined:
		return whole
	case hasRun(words, a.joined):
		return part
	case hasAll(words, a.words) && !slices.ContainsFunc(a.words, hasNumber):
		return part
	case slices.Contains(a.ends, joined) && hasNumber(joined):
		return inFront
	case hasAll(words, a.words), slices.Contains(a.ends, joined):
		return loose
	default:
		return unlike
	}
}

// join is the words without spaces, except between two numbers: "1-12" and "11-2" are two dates.
func join(words []string) string {
	var joined strings.Builder
	for i, word := range words {
		if i > 0 {
			joined.WriteString(between(words[i-1], word))
		}
		joined.WriteString(word)
	}
	return joined.String()
}

func between(before, after string) string {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	if unicode.IsNumber(last) && unicode.IsNumber(first) {
		return " "
	}
	return ""
}

// hasRun reports whether words that follow each other are the joined ones.
func hasRun(words []string, joined string) bool {
	for i := range words {
		rest, fits := strings.CutPrefix(joined, words[i])
		for j := i + 1; j < len(words) && fits && rest != ""; j++ {
			rest, fits = strings.CutPrefix(rest, between(words[j-1], words[j])+words[j])
		}
		if fits && rest == "" {
			return true
		}
	}
	return false
}

// hasAll reports whether the words have those asked for, and one that was asked for twice, twice.
func hasAll(words, asked []string) bool {
	words = slices.Clone(words)
	for _, word := range asked {
		i := slices.Index(words, word)
		if i < 0 {
			return false
		}
		words = slices.Delete(words, i, i+1)
	}
	return true
}

// withoutArticle leaves out the articles and the like before a name. A sentence has them, and a name mostly has not.
func withoutArticle(words []string) []string {
	for len(words) > 1 && slices.Contains([]string{"a", "an", "the", "my", "our", "your"}, words[0]) {
		words = words[1:]
	}
	return words
}

func hasNumber(word string) bool { return strings.ContainsFunc(word, unicode.IsNumber) }

// wordsOf splits a name without regard to case and to forms of the same character. Letters, marks and numbers make words,
// and so do symbols such as emoji, apart from letters. Everything else separates, the symbols of ASCII too. What cannot be
// seen, such as a soft hyphen, neither counts nor separates.
func wordsOf(name string) (words []string) {
	if len(name) > maxCompared {
		return nil
	}
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(apart(name))))
	var word []rune
	symbols := false // word has symbols
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	for _, r := range folded {
		isSymbol := r > unicode.MaxASCII && unicode.IsSymbol(r)
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			continue
		case unicode.IsMark(r) && len(word) > 0: // it belongs to what it marks
		case isSymbol, unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
			if isSymbol != symbols {
				end()
			}
			symbols = isSymbol
		default:
			end()
			continue
		}
		word = append(word, r)
	}
	end()
	return words
}

// apart puts spaces around numbers that are one character, such as those in "1½" and "1²". They would become digits of
// their neighbour.
func apart(name string) string {
	if !strings.ContainsFunc(name, isNumberOfItsOwn) {
		return name
	}
	var spaced strings.Builder
	for _, r := range name {
		if isNumberOfItsOwn(r) {
			spaced.WriteString(" " + string(r) + " ")
		} else {
			spaced.WriteRune(r)
		}
	}
	return spaced.String()
}

func isNumberOfItsOwn(r rune) bool { return unicode.Is(unicode.No, r) }

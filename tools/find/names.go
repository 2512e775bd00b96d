package find

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A rank says how well a name fits what was asked for. A smaller one is better, and only the best that was found counts.
type rank int

const (
	exact   rank = iota // byte for byte
	whole               // the same words in the same order, or the same letters when spaces are ignored
	part                // every word asked for is a word of the name, or their letters are those of a run of its words
	inFront             // the name's words are the last ones asked for, as "Dora" in "my driver Dora"
	unlike              // no fit
)

// maxCompared bounds a name that is split into words, in bytes. Twilio's own limits are 191 and 255 characters.
const maxCompared = 64 << 10

// An asked is a name that is looked for.
type asked struct {
	text   string
	words  []string
	joined string
}

func ask(text string) asked {
	words := wordsOf(text)
	return asked{text, words, strings.Join(words, "")}
}

// rank compares a name. Words count as a whole: "123" is no part of "1234". Text without any word fits only exactly.
func (a asked) rank(name string) rank {
	if name == a.text {
		return exact
	}
	words := wordsOf(name)
	if len(a.words) == 0 || len(words) == 0 {
		return unlike
	}
	joined := strings.Join(words, "")
	switch {
	case joined == a.joined:
		return whole
	case a.areAmong(words), hasRun(words, a.joined):
		return part
	case hasEnd(a.words, joined):
		return inFront
	default:
		return unlike
	}
}

func (a asked) areAmong(words []string) bool {
	return !slices.ContainsFunc(a.words, func(word string) bool { return !slices.Contains(words, word) })
}

// hasRun reports whether words that follow each other are the letters.
func hasRun(words []string, letters string) bool {
	for i := range words {
		rest, fits := letters, true
		for j := i; j < len(words) && fits && rest != ""; j++ {
			rest, fits = strings.CutPrefix(rest, words[j])
		}
		if fits && rest == "" {
			return true
		}
	}
	return false
}

// hasEnd reports whether the last words are the letters.
func hasEnd(words []string, letters string) bool {
	for i := len(words) - 1; i >= 0 && letters != ""; i-- {
		var fits bool
		if letters, fits = strings.CutSuffix(letters, words[i]); !fits {
			return false
		}
	}
	return letters == ""
}

// wordsOf splits a name without regard to case and to forms of the same character. Letters, marks and numbers make words,
// and so do symbols such as emoji, apart from letters. Everything else separates, the symbols of ASCII too. What cannot be
// seen, such as a soft hyphen, neither counts nor separates.
func wordsOf(name string) (words []string) {
	if len(name) > maxCompared {
		return nil
	}
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
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

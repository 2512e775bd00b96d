package find

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	zeroWidthSpace     = '\u200b'
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	blackFlag          = '\U0001f3f4'
	brailleBlank       = '\u2800'
)

// visible makes a text from outside fit to be shown. Everybody can see what it shows: characters that cannot be seen, or
// that reorder what can, become U+FFFD, each of them. Line breaks and tabs stay, other blanks become spaces. Characters
// without a form of their own stay where a script or an emoji needs them, and nowhere else.
//
// The text is cut to at most limit characters (Unicode code points), and cut says that it was. It is cut where a new
// character begins for a reader, unless that takes more than a few code points away.
func visible(text string, limit int) (shown string, cut bool) {
	runes := make([]rune, 0, min(len(text), limit))
	prev := rune(-1)
	for len(runes) < limit && text != "" {
		if flag := regionFlag(text); flag != nil {
			if len(runes)+len(flag) > limit {
				break
			}
			runes, text, prev = append(runes, flag...), text[len(string(flag)):], -1
			continue
		}
		if strings.HasPrefix(text, "\r\n") {
			text = text[1:]
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		prev = shownAs(prev, r, firstOf(text))
		runes = append(runes, prev)
	}
	if cut = text != ""; cut {
		runes = runes[:beginning(runes, firstOf(text))]
	}
	for len(runes) > 0 && isJoiner(runes[len(runes)-1]) {
		runes = runes[:len(runes)-1]
	}
	return string(runes), cut
}

// shownAs is how r is shown between the character that is shown before it and the one that follows. -1 is none.
func shownAs(prev, r, next rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case unicode.Is(unicode.Zs, r), r == brailleBlank:
		return ' '
	case r == zeroWidthSpace && unicode.In(prev, unicode.Khmer, unicode.Lao, unicode.Myanmar, unicode.Thai):
		return ' ' // it is between words there
	case isJoiner(r):
		return keepIf(takesJoiner(prev) && (next == -1 || next == '\n' || !isHidden(next)), r)
	case r == '\ufe0e' || r == '\ufe0f':
		return keepIf(takesSelector(prev), r)
	case r >= '\u180b' && r <= '\u180f': // they choose the form of a letter
		return keepIf(unicode.IsLetter(prev) && unicode.Is(unicode.Mongolian, prev), r)
	default:
		return keepIf(!isHidden(r), r)
	}
}

func keepIf(keep bool, r rune) rune {
	if keep {
		return r
	}
	return unicode.ReplacementChar
}

// isHidden reports whether a character has no form of its own, or none that is known. Emoji that are newer than Go's
// Unicode are known by their block.
func isHidden(r rune) bool {
	switch {
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case unicode.IsPrint(r), unicode.In(r, unicode.Zs, unicode.Prepended_Concatenation_Mark), '\U0001f000' <= r && r <= '\U0001faff':
		return false
	default:
		return true
	}
}

func isJoiner(r rune) bool { return r == zeroWidthJoiner || r == zeroWidthNonJoiner }

// takesJoiner reports whether a joiner may follow: in words of scripts other than Latin, and in emoji.
func takesJoiner(prev rune) bool {
	if prev == unicode.ReplacementChar || unicode.Is(unicode.Latin, prev) {
		return false
	}
	return unicode.IsLetter(prev) || unicode.IsMark(prev) || isPicture(prev)
}

// takesSelector reports whether a character may be asked for as an emoji or as a text (Unicode, emoji-variation-sequences).
func takesSelector(prev rune) bool {
	return isPicture(prev) || strings.ContainsRune("#*0123456789‼⁉〰ℹ", prev)
}

func isPicture(r rune) bool {
	return r != unicode.ReplacementChar && r > unicode.MaxASCII && (unicode.IsSymbol(r) || '\U0001f000' <= r && r <= '\U0001faff')
}

// regionFlag is the flag of England, Scotland or Wales that a text begins with, or nil. No other emoji has tags, which are
// letters that nobody sees (Unicode, emoji-sequences).
func regionFlag(text string) []rune {
	if !strings.HasPrefix(text, string(blackFlag)) {
		return nil
	}
	for _, region := range []string{"gbeng", "gbsct", "gbwls"} {
		flag := []rune{blackFlag}
		for _, letter := range region {
			flag = append(flag, 0xe0000+letter)
		}
		if flag = append(flag, 0xe007f); strings.HasPrefix(text, string(flag)) {
			return flag
		}
	}
	return nil
}

func firstOf(text string) rune {
	if text == "" {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

// beginning is where the character begins that next, which is cut off, would go on; len(runes) when it begins one itself.
func beginning(runes []rune, next rune) int {
	const few = 16
	for at := len(runes); at > max(0, len(runes)-few); at-- {
		if !goesOn(runes[at-1], next) {
			return at
		}
		next = runes[at-1]
	}
	return len(runes)
}

// goesOn reports whether next belongs to the same character for a reader (roughly Unicode's annex 29).
func goesOn(prev, next rune) bool {
	return unicode.IsMark(next) || isJoiner(next) || prev == zeroWidthJoiner || '\U0001f3fb' <= next && next <= '\U0001f3ff'
}

// maxName bounds a name in a result, in characters: Twilio's limit for a FriendlyName (Twilio's page on Participants).
const maxName = 255

// name is a name, or another short text from outside, as a result shows it: on one line. nil stays nil.
func name(text *string) *string {
	if text == nil {
		return nil
	}
	shown := onOneLine(*text, maxName)
	return &shown
}

// onOneLine is visible, without line breaks and tabs.
func onOneLine(text string, limit int) string {
	shown, _ := visible(text, limit)
	return strings.NewReplacer("\n", "\uFFFD", "\t", "\uFFFD").Replace(shown)
}

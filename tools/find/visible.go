package find

import (
	"strings"
	"unicode"
)

// visible makes a text from outside fit to be shown. Everybody can see what it shows: characters that cannot be seen, or
// that reorder what can, become U+FFFD, each of them. Line breaks and tabs stay, other blanks become spaces. Joiners and
// variation selectors stay where a script or an emoji needs them, and never in a row that could hide something.
//
// The text is cut to at most limit characters (Unicode code points), and cut says that it was.
func visible(text string, limit int) (shown string, cut bool) {
	runes := make([]rune, 0, min(len(text), limit))
	prev := rune(0)
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		if len(runes) == limit {
			return string(runes), true
		}
		prev = shownAs(prev, r)
		runes = append(runes, prev)
	}
	return string(runes), false
}

// shownAs is how r is shown after prev, which is shown already. At the beginning prev is 0.
func shownAs(prev, r rune) rune {
	const zeroWidthSpace = '\u200b' // between words, where a script has no spaces
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.Is(unicode.Zs, r), r == zeroWidthSpace:
		return ' '
	case isJoiner(r) && (takesMore(prev) || isSelector(prev)),
		isSelector(r) && (takesMore(prev) || strings.ContainsRune("#*0123456789", prev)), // keycaps
		isSeen(r):
		return r
	default:
		return unicode.ReplacementChar
	}
}

// isSeen reports whether a character has a form of its own. Emoji that are newer than Go's Unicode are known by their block.
func isSeen(r rune) bool {
	if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return false
	}
	return unicode.IsPrint(r) || '\U0001f000' <= r && r <= '\U0001faff'
}

// takesMore is true of characters that are seen, apart from ASCII. A joiner or a selector may follow them.
func takesMore(r rune) bool {
	return r > unicode.MaxASCII && r != unicode.ReplacementChar && !isJoiner(r) && !isSelector(r)
}

// isJoiner is true of the two that make words of some scripts, and emoji of several.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// isSelector is true of those that choose the form of an emoji, or of a Mongolian letter.
func isSelector(r rune) bool { return r == '\ufe0e' || r == '\ufe0f' || '\u180b' <= r && r <= '\u180f' }

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

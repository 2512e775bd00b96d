package find

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible makes a text from outside fit to be shown: characters that cannot be seen, or that reorder what can, become
// U+FFFD, and it is cut to at most limit characters. cut says that it was.
func visible(text string, limit int) (shown string, cut bool) {
	if utf8.RuneCountInString(text) > limit {
		text, cut = string([]rune(text)[:limit]), true
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d': // the last two are part of words and of emoji
			return r
		case unicode.IsPrint(r):
			return r
		default:
			return unicode.ReplacementChar
		}
	}, text), cut
}

// maxName bounds a name in a result, in characters: Twilio's limit for a FriendlyName (Twilio's page on Participants).
const maxName = 255

// name is a name from outside as a result shows it; nil stays nil.
func name(text *string) *string {
	if text == nil {
		return nil
	}
	shown, _ := visible(*text, maxName)
	return &shown
}

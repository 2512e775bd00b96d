package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what oddInSid takes for a SID. Nothing else has that many
// hexadecimal digits in so few characters: nothing is told of a person's words or
// number, nor of a password, that stands in the place of a SID by mistake.
const (
	fewestDigits = sidLength - 2 - maxOdd
	longestSid   = sidLength + maxOdd
	maxOdd       = 4 // how many characters may be odd
	maxNamed     = 3 // how many of them are named
)

// oddByPattern is oddInSid for a value that does not match a schema's pattern,
// after a semicolon. It returns "" for a pattern that is not a SID's.
func oddByPattern(pattern, value string) string {
	letters := sidLetters(pattern)
	if letters == "" {
		return ""
	}
	if odd := oddInSid(letters, value); odd != "" {
		return "; " + odd
	}
	return ""
}

// whyNoSid says which rule s breaks.
func whyNoSid(letters, s string) string {
	runes, odd := []rune(s), oddInSid(letters, s)
	switch {
	case len(runes) != sidLength && odd != "":
		return fmt.Sprintf("has %d characters, must have exactly %d; %s", len(runes), sidLength, odd)
	case len(runes) != sidLength:
		return fmt.Sprintf("has %d characters, must have exactly %d", len(runes), sidLength)
	case odd != "":
		return odd
	case len(letters) != 2 && !hasPrefix(letters, s):
		return fmt.Sprintf("begins with %q, must begin with two letters", firstTwo(s))
	case !hasPrefix(letters, s):
		return fmt.Sprintf("begins with %q, must begin with %q", firstTwo(s), letters)
	}
	at := slices.IndexFunc(runes[2:], func(r rune) bool { return r > unicode.MaxASCII || !isHex(byte(r)) })
	return fmt.Sprintf("character %d is no hexadecimal digit; after the prefix only 0-9, a-f and A-F are allowed", at+3)
}

// oddInSid names the characters that make s no SID with these letters, such as
// "character 3 is U+200B (a zero-width space)". Many of them cannot be seen, or look
// like the right ones. It returns "" if there is none, or if s is no SID with a few
// wrong characters.
func oddInSid(letters, s string) string {
	if len(s) > longestSid*utf8.UTFMax {
		return ""
	}
	runes := []rune(s)
	if len(runes) > longestSid {
		return ""
	}
	var named []string
	digits, at := 0, 0 // at is the place in the SID
	for i, r := range runes {
		switch isASCII := r <= unicode.MaxASCII; {
		case at >= 2 && isASCII && isHex(byte(r)):
			digits++
		case at < 2 && isASCII && isAlphanumeric(r) && !isLowerOf(letters, at, r): // right, or shown as the beginning
		default:
			named = append(named, fmt.Sprintf("character %d is %s", i+1, nameOf(r, at)))
		}
		if isAlphanumeric(r) { // anything else is there in addition to the SID
			at++
		}
	}
	if len(named) > maxOdd || digits < fewestDigits {
		return ""
	}
	if more := len(named) - maxNamed; more > 0 {
		named = append(named[:maxNamed], fmt.Sprintf("%d more besides", more))
	}
	return strings.Join(named, ", ")
}

// isLowerOf reports whether r is a prefix's letter in lower case.
func isLowerOf(letters string, at int, r rune) bool {
	return len(letters) == 2 && r == rune(letters[at])|0x20
}

func isAlphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// nameOf names a character in words where it is a common one, and by its kind
// otherwise. at is its place in the SID.
func nameOf(r rune, at int) string {
	if ' ' < r && r < 0x7f {
		switch {
		case !isAlphanumeric(r):
			return fmt.Sprintf("%q, which no SID has", r)
		case at < 2:
			return fmt.Sprintf("%q, and must be a capital letter", r)
		case r == 'O' || r == 'o':
			return fmt.Sprintf("%q (the letter, not the digit 0)", r)
		case r == 'l' || r == 'I' || r == 'i':
			return fmt.Sprintf("%q (the letter, not the digit 1)", r)
		default:
			return fmt.Sprintf("%q, which is no hexadecimal digit", r)
		}
	}
	return fmt.Sprintf("U+%04X (%s)", r, kindOfRune(r))
}

// kindOfRune has the characters that copied text is known to bring along.
func kindOfRune(r rune) string {
	switch r {
	case '\t':
		return "a tab"
	case '\n', '\r', '\u2028', '\u2029':
		return "a line break"
	case ' ':
		return "a space"
	case '\u00a0', '\u202f':
		return "a non-breaking space"
	case '\u00ad':
		return "a soft hyphen"
	case '\u200b':
		return "a zero-width space"
	case '\u200c':
		return "a zero-width non-joiner"
	case '\u200d':
		return "a zero-width joiner"
	case '\u2060':
		return "a word joiner, which is invisible"
	case '\ufeff':
		return "a byte order mark, which is invisible"
	case '\ufffd':
		return "a replacement for a character that could not be read"
	}
	switch {
	case unicode.Is(unicode.Bidi_Control, r):
		return "an invisible mark of the writing direction"
	case 0xff01 <= r && r <= 0xff5e:
		return "a fullwidth character, which looks like " + string(r-0xff01+'!')
	case unicode.Is(unicode.Cyrillic, r):
		return "a Cyrillic letter"
	case unicode.Is(unicode.Greek, r):
		return "a Greek letter"
	case unicode.IsDigit(r):
		return "a digit of another script"
	case unicode.IsLetter(r):
		return "a letter of another script"
	case unicode.IsSpace(r):
		return "a kind of space"
	case unicode.IsControl(r):
		return "a control character"
	case !unicode.IsGraphic(r):
		return "an invisible character"
	case unicode.Is(unicode.Pd, r):
		return "a kind of dash"
	case unicode.Is(unicode.Pi, r) || unicode.Is(unicode.Pf, r):
		return "a kind of quotation mark"
	case unicode.IsMark(r):
		return "a mark that belongs to the character before it"
	default:
		return "which no SID has"
	}
}

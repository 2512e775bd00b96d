package twilio

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// minPrivate is the shortest private value that is hidden, in bytes. A shorter
// one is not much of a secret, and hiding it would blot out half the text.
const minPrivate = 4

// In both patterns, the group is the part that is hidden.
var (
	authorization = regexp.MustCompile(`(?i)\b(?:basic|bearer) +(\S+)`)

	// phoneNumber has three alternatives without a group, for text that looks like
	// a phone number and stays visible: a SID, an IPv4 address with its port, and
	// the date of a timestamp.
	phoneNumber = regexp.MustCompile(`\b[A-Za-z]{2}[0-9A-Fa-f]{32}\b` +
		`|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]` +
		`|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T` +
		`|(\+?\(?\p{Nd}(?:[ +./·()\p{Pd}−]*\p{Nd}){6,})`)

	// notFound is Twilio's message for a path. The path of a request has names of the
	// API and SIDs, and nothing of the message.
	notFound = regexp.MustCompile(`^The requested resource /Services(?:/(?:[A-Z]{2}[0-9A-Fa-f]{32}|Sessions|Participants|MessageInteractions|Interactions))* was not found$`)

	// escapeAtEnd is an escape of a URL, of mail, of JSON or of Go's quotes, in lower case.
	escapeAtEnd = regexp.MustCompile(`(?:[%=][0-9a-f]{2}|\\(?:[abfnrtv]|x[0-9a-f]{2}|u[0-9a-f]{4}|u[0-9a-f]{8}))$`)
)

// asBrowsersEscape turns what RFC 3986 reserves back into what encodeURIComponent of
// JavaScript leaves alone (ECMA-262).
var asBrowsersEscape = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// private has the values that no error may repeat.
type private struct {
	secrets []string // credentials; hidden wherever they stand, even within a word
	message []string // the caller's text and URLs; a single word is hidden only where standsAlone
}

// clean makes text from outside fit for an error. The result is plain and at most
// limit characters long. Each private value, credential and phone number becomes
// "[…]". All of them are found before any is replaced, so that hiding one does not
// break up another.
//
// Twilio's own words are not the caller's. A text message of one word, such as
// "auth", is therefore left alone within another word, such as "Authenticate". And
// if the whole text is one that Twilio has whatever was sent, nothing of it is an
// echo of the message.
func clean(text string, hide private, limit int) string {
	text = plain(html.UnescapeString(text))
	hidden := make([]bool, len(text))
	cover := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
	}
	lower := lowerASCII(text)
	for _, value := range hide.secrets {
		for _, encoded := range encodings(value) {
			eachIndex(lower, encoded, cover)
		}
	}
	if isTwiliosOwn(text) {
		hide.message = nil
	}
	for _, value := range hide.message {
		word := isWord(value)
		for _, encoded := range encodings(value) {
			eachIndex(lower, encoded, func(from, to int) {
				if !word || encoded != lowerASCII(value) || standsAlone(lower, from, to) {
					cover(from, to)
				}
			})
		}
	}
	for _, pattern := range []*regexp.Regexp{authorization, phoneNumber} {
		for _, match := range pattern.FindAllStringSubmatchIndex(text, -1) {
			cover(match[2], match[3]) // -1 and -1, which hides nothing, for a match without a group
		}
	}
	var shown strings.Builder
	for from := 0; from < len(text); {
		to := from + 1
		for to < len(text) && hidden[to] == hidden[from] {
			to++
		}
		if hidden[from] {
			shown.WriteString("[…]")
		} else {
			shown.WriteString(text[from:to])
		}
		from = to
	}
	if runes := []rune(shown.String()); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return shown.String()
}

// isTwiliosOwn reports whether text is a whole message of Twilio's that is the same
// whatever was sent. These were seen in captured answers.
func isTwiliosOwn(text string) bool {
	switch text {
	case "Authenticate", "Too Many Requests", "An error occurred", "The requested resource was not found":
		return true
	}
	return notFound.MatchString(text)
}

// isWord reports whether value is a single word of ASCII letters and digits. Only
// such a value can be a part of Twilio's own words, which are English.
func isWord(value string) bool {
	for i := range len(value) {
		if kindOf(value[i]) == 0 {
			return false
		}
	}
	return true
}

// standsAlone reports whether a word is not a part of a longer one: neither before
// nor after it does its kind of character go on. So a one-time code of digits is
// hidden after letters, too. What an escape ends with does not count.
func standsAlone(lower string, from, to int) bool {
	goesOn := func(a, b byte) bool { return kindOf(a) == kindOf(b) }
	before := from > 0 && goesOn(lower[from-1], lower[from]) && !escapeAtEnd.MatchString(lower[max(0, from-10):from])
	return !before && (to == len(lower) || !goesOn(lower[to-1], lower[to]))
}

// kindOf is 'a' for an ASCII letter, '0' for a digit and 0 for anything else.
func kindOf(c byte) byte {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		return 'a'
	case '0' <= c && c <= '9':
		return '0'
	default:
		return 0
	}
}

// eachIndex calls visit for each place of value in text. It skips a value that is
// too short to be private.
func eachIndex(text, value string, visit func(from, to int)) {
	if len(value) < minPrivate {
		return
	}
	for at := 0; ; at += len(value) {
		i := strings.Index(text[at:], value)
		if i < 0 {
			return
		}
		at += i
		visit(at, at+len(value))
	}
}

// encodings returns value as servers and libraries write it: plain, in URLs, in
// JSON, in Go's quotes and in base64. The base64 has no padding, which would only
// be appended. HTML is not among them, because clean decodes HTML first. If the
// value itself contains HTML entities, that decoding changes it, so the decoded
// encodings are returned too.
func encodings(value string) []string {
	inJSON, _ := json.Marshal(value) // never fails for a string
	inForm := url.QueryEscape(value)
	inURL := strings.ReplaceAll(inForm, "+", "%20") // a + of the value is %2B there
	all := []string{value, inForm, inURL, asBrowsersEscape.Replace(inURL), url.PathEscape(value)}
	for _, quoted := range []string{string(inJSON), strconv.Quote(value), strconv.QuoteToASCII(value)} {
		all = append(all, quoted[1:len(quoted)-1])
	}
	for _, encoded := range all {
		all = append(all, html.UnescapeString(encoded))
	}
	all = append(all, base64.RawStdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)))
	for i, encoded := range all {
		all[i] = lowerASCII(plain(encoded))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// plain turns text into one line of printable characters, with single spaces.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return strings.Join(strings.Fields(text), " ")
}

// lowerASCII keeps every byte at its index, unlike strings.ToLower.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

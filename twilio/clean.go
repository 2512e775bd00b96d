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

// minPrivate is the least length, in bytes, at which a private value is looked
// for; chosen. A shorter one is no secret and would blot out half the text.
const minPrivate = 4

// In both patterns the group is what is hidden.
var (
	authorization = regexp.MustCompile(`(?i)\b(?:basic|bearer) +(\S+)`)

	// phoneNumber passes over what has as many digits and tells where or when: a
	// SID, an IPv4 address with its port and the date of a timestamp.
	phoneNumber = regexp.MustCompile(`\b[A-Za-z]{2}[0-9A-Fa-f]{32}\b` +
		`|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]` +
		`|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T` +
		`|(\+?\(?\p{Nd}(?:[ +./·()\p{Pd}−]*\p{Nd}){6,})`)
)

// clean makes text from outside fit for an error: plain, at most limit
// characters, and "[…]" for each stretch of it that is a form of a private
// value, credentials or a phone number. All are looked for in the same text, so
// that hiding one cannot tear another apart.
func clean(text string, private []string, limit int) string {
	text = plain(html.UnescapeString(text))
	hidden := make([]bool, len(text))
	hide := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
	}
	lower := lowerASCII(text)
	for _, value := range private {
		for _, form := range forms(value) {
			eachIndex(lower, form, hide)
		}
	}
	for _, pattern := range []*regexp.Regexp{authorization, phoneNumber} {
		for _, match := range pattern.FindAllStringSubmatchIndex(text, -1) {
			hide(match[2], match[3]) // from -1 to -1 for what is passed over
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

// eachIndex visits where form is in text, unless it is too short to be private.
func eachIndex(text, form string, visit func(from, to int)) {
	if len(form) < minPrivate {
		return
	}
	for at := 0; ; at += len(form) {
		i := strings.Index(text[at:], form)
		if i < 0 {
			return
		}
		at += i
		visit(at, at+len(form))
	}
}

// forms returns the ways in which servers and libraries write value, as clean
// compares them: in plain, URLs, JSON, quotes of Go and base64 (without padding,
// which only follows it). HTML needs none, because clean undoes it; where the
// value itself has the look of HTML, that changes its other forms.
func forms(value string) []string {
	inJSON, _ := json.Marshal(value) // a string always can be
	all := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	for _, quoted := range []string{string(inJSON), strconv.Quote(value), strconv.QuoteToASCII(value)} {
		all = append(all, quoted[1:len(quoted)-1])
	}
	for _, form := range all {
		all = append(all, html.UnescapeString(form))
	}
	all = append(all, base64.RawStdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)))
	for i, form := range all {
		all[i] = lowerASCII(plain(form))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// plain makes one line of printable characters of text, with single spaces.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return strings.Join(strings.Fields(text), " ")
}

// lowerASCII keeps every byte where it is, unlike strings.ToLower.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

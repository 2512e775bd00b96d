package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/width"
)

// usualColumns is for a terminal that does not know its own width.
const usualColumns = 80

// columnsOf is how many columns a terminal has, or 0 if out is none.
func columnsOf(out io.Writer) int {
	file, isFile := out.(*os.File)
	if !isFile || file == nil {
		return 0
	}
	columns, isTerminal := windowOf(file)
	if isTerminal && columns <= 0 {
		return usualColumns
	}
	return columns
}

// printable is text for a terminal: what could command it, turn the order of other characters around or be invisible is
// written as in JSON. So a JSON text stays the same value. Newlines stay.
//
// Two invisible characters stay as well: the joiners, without which some scripts and emoji are not themselves.
func printable(text string) string {
	return escaped(text, func(r rune) bool { return unicode.IsGraphic(r) || r == '\n' })
}

// escaped writes as in JSON what is neither plain nor a joiner. An invalid byte comes as U+FFFD.
func escaped(text string, plain func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case plain(r), r == '\u200c', r == '\u200d':
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// oneLine is text that is printable on one line.
func oneLine(text string) string {
	return printable(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(text))
}

// widthOf is how many columns printable text takes. It is never too few: a terminal may join what counts here one by one.
func widthOf(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if r == '\ufe0f' { // makes a wide emoji of the character before
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// cut shortens a text to this many columns, at least one. A mark stays with its letter.
func cut(text string, columns int) string {
	if widthOf(text) <= columns {
		return text
	}
	room := columns - 1 // for the ellipsis
	for i, r := range text {
		if room -= runeWidth(r); room < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

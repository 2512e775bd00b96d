package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const twoDrivers = `{"match":"several","cause":null,"candidates":[
	{"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","friendly_name":"Dora (driver)","sendable":true,"why_not":null},
	{"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","friendly_name":null,"sendable":true,"why_not":null}],
	"searched":{"sessions":12,"pages":1,"complete":true},"names":["a","b"],"empty":[]}`

func TestAListIsATableAndTheRestIsLines(t *testing.T) {
	for columns, want := range map[int]string{
		131: `match     several
searched  sessions 12, pages 1, complete true
names     a, b
empty     none

candidates (2)
ServiceSid                          SessionSid                          ParticipantSid                      friendly_name  sendable
KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  Dora (driver)  true
KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  KPbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  -              true
`,
		130: `match     several
searched  sessions 12, pages 1, complete true
names     a, b
empty     none

candidates (2)
ServiceSid  KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
SessionSid  KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
sendable    true

ParticipantSid                      friendly_name
KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  Dora (driver)
KPbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  -
`,
		48: `match     several
searched  sessions 12, pages 1, complete true
names     a, b
empty     none

candidates (2)
ServiceSid      KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
SessionSid      KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ParticipantSid  KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
friendly_name   Dora (driver)
sendable        true

ServiceSid      KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
SessionSid      KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ParticipantSid  KPbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
sendable        true
`,
	} {
		require.Equal(t, want, readable([]byte(twoDrivers), columns), columns)
	}
}

// No table is wider than the terminal, and at any width every SID and every text is whole.
func TestATableFitsAndCutsNothing(t *testing.T) {
	var rows []map[string]any
	var whole []string
	for i, name := range []string{"short", "東京駅のゲートBで待っています", strings.Repeat("e\u0301", 60), "👩‍👩‍👧‍👦 family ❤️ 👍🏽", strings.Repeat("long ", 8) + "text", ""} {
		sid := "KC" + strings.Repeat(string("abcdef"[i]), 32)
		whole = append(whole, sid, name+name)
		rows = append(rows, map[string]any{"SessionSid": sid, "name": name, "text": name + name, "n": len(name)})
	}
	object, err := json.Marshal(map[string]any{"sessions": rows})
	require.NoError(t, err)
	tables := 0
	for columns := 1; columns < 300; columns++ {
		text := readable(object, columns)
		for _, part := range whole {
			require.Contains(t, text, part, columns)
		}
		if !regexp.MustCompile("SessionSid +n +name +text\n").MatchString(text) { // one below the other: the terminal breaks the lines
			require.Zero(t, tables)
			continue
		}
		tables++
		for line := range strings.Lines(text) {
			require.LessOrEqual(t, widthOf(strings.TrimSuffix(line, "\n")), columns, line)
		}
	}
	require.Equal(t, 300-(34+2+3+2+60+2+120), tables)
}

// A column is where its field is, even if the first row does not give it.
func TestColumnsAreInTheOrderOfTheFields(t *testing.T) {
	require.Equal(t, "messages (2)\nfrom  text\n-     a\nEve   b\n", readable([]byte(`{"messages":[{"from":null,"to":null,"text":"a"},{"from":"Eve","to":null,"text":"b"}]}`), 80))
}

func TestACutTextKeepsMarksWithTheirLetters(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abc", 1, "…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…"},
		{"東京都", 6, "東京都"}, {"東京都", 5, "東京…"}, {"東京都", 4, "東…"}, {"東京", 1, "…"},
	} {
		require.Equal(t, c.want, cut(c.text, c.columns), "%q to %d", c.text, c.columns)
		require.LessOrEqual(t, widthOf(c.want), c.columns)
	}
}

// Whatever a text has, nothing of it commands the terminal or turns the line around, and as JSON it stays the same value.
func TestPrintableHasNothingThatATerminalObeys(t *testing.T) {
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r == 0x20 || r > 0x7e && r < 0x3000 || r > 0xd7ff && utf8.ValidRune(r) && r < 0x20000 || r > 0xdffff {
			all.WriteRune(r)
		}
	}
	for r := range 0x20 {
		all.WriteRune(rune(r))
	}
	hidden := func(r rune) bool {
		return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
			r == 0x200e || r == 0x200f || r == 0x061c || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xad || r == 0x200b || r >= 0xe0000 && r < 0xe0080
	}
	require.True(t, strings.ContainsFunc(all.String(), hidden))
	require.False(t, strings.ContainsFunc(printable(all.String()), hidden))
	require.False(t, strings.ContainsFunc(oneLine(all.String()), func(r rune) bool { return hidden(r) || r == '\n' }))
	require.False(t, strings.ContainsFunc(printable("\xff\x9b1m\xe2\x80"), hidden))

	object, err := json.Marshal(map[string]string{"text": all.String()})
	require.NoError(t, err)
	for _, asJSON := range []bool{true, false} {
		text, err := shown(object, 80, asJSON)
		require.NoError(t, err)
		require.False(t, strings.ContainsFunc(text, hidden))
		if asJSON {
			require.JSONEq(t, string(object), text)
		}
	}
	text, err := shown(object, 0, false)
	require.NoError(t, err)
	require.True(t, strings.ContainsFunc(text, hidden), "what is no terminal gets the bytes")
	require.Equal(t, `کتاب\u200f می\u200e خواهم 👩‍👧`, strings.ReplaceAll(oneLine("کتاب\u200f می\u200e خواهم 👩‍👧"), "\u200c", ""))
}

func TestAnEmptyResultIsShown(t *testing.T) {
	for _, object := range []string{`{}`, `{"status":null}`} {
		text, err := shown([]byte(object), 80, false)
		require.NoError(t, err)
		require.JSONEq(t, object, text)
	}
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A field is a member of a JSON object.
type field struct {
	name  string
	value json.RawMessage
}

// fieldsOf are the members of an object in their order, without those that are null.
func fieldsOf(object []byte) (fields []field) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return fields
		}
		if string(value) != "null" {
			fields = append(fields, field{fmt.Sprint(name), value})
		}
	}
	return fields
}

// rowsOf are the objects of a list. It is nil for a value that is no list of objects, or an empty one.
func rowsOf(value json.RawMessage) (rows [][]field) {
	var elements []json.RawMessage
	if json.Unmarshal(value, &elements) != nil {
		return nil
	}
	for _, element := range elements {
		if element[0] != '{' {
			return nil
		}
		rows = append(rows, fieldsOf(element))
	}
	return rows
}

// plain is a value in words: what is in it is separated by commas.
func plain(value json.RawMessage) string {
	switch value[0] {
	case '"':
		var text string
		_ = json.Unmarshal(value, &text) // it is valid
		return oneLine(text)
	case '{':
		var all []string
		for _, f := range fieldsOf(value) {
			all = append(all, oneLine(f.name)+" "+plain(f.value))
		}
		return cmp.Or(strings.Join(all, ", "), "none")
	case '[':
		var elements []json.RawMessage
		_ = json.Unmarshal(value, &elements)
		var all []string
		for _, element := range elements {
			all = append(all, plain(element))
		}
		return cmp.Or(strings.Join(all, ", "), "none")
	}
	return string(value)
}

// readable is an object as a person reads it on a terminal: its fields one below the other, then a table of each list.
func readable(object []byte, columns int) string {
	var text, tables strings.Builder
	var facts []field
	for _, f := range fieldsOf(object) {
		rows := rowsOf(f.value)
		if rows == nil {
			facts = append(facts, f)
			continue
		}
		fmt.Fprintf(&tables, "\n%s (%d)\n%s", oneLine(f.name), len(rows), tableOf(rows, columns))
	}
	writeFacts(&text, facts)
	return strings.TrimPrefix(text.String()+tables.String(), "\n")
}

// writeFacts cuts nothing: the terminal breaks what is too long.
func writeFacts(b *strings.Builder, facts []field) {
	widest := 0
	for _, f := range facts {
		widest = max(widest, widthOf(oneLine(f.name)))
	}
	for _, f := range facts {
		name := oneLine(f.name)
		fmt.Fprintf(b, "%s%s  %s\n", name, strings.Repeat(" ", widest-widthOf(name)), plain(f.value))
	}
}

// tableOf shows rows as a table. Where it would be too wide, the columns that are the same in all rows go above it. If that is
// not enough, the rows stand one below the other.
func tableOf(rows [][]field, columns int) string {
	var b strings.Builder
	names := fieldNames(rows)
	if t := newTable(names, rows); t.fit(columns) {
		t.write(&b)
		return b.String()
	}
	same := sameInAll(names, rows)
	rest := slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(same, func(f field) bool { return f.name == name })
	})
	if t := newTable(rest, rows); len(rows) > 1 && len(rest) > 0 && t.fit(columns) {
		writeFacts(&b, same)
		b.WriteString("\n")
		t.write(&b)
		return b.String()
	}
	for i, row := range rows {
		if i > 0 {
			b.WriteString("\n")
		}
		writeFacts(&b, row)
	}
	return b.String()
}

// fieldNames are the names of all fields, in the order in which they come first.
func fieldNames(rows [][]field) (names []string) {
	for _, row := range rows {
		for _, f := range row {
			if !slices.Contains(names, f.name) {
				names = append(names, f.name)
			}
		}
	}
	return names
}

// valueOf is nil if the row has no such field.
func valueOf(row []field, name string) json.RawMessage {
	for _, f := range row {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func sameInAll(names []string, rows [][]field) (same []field) {
	for _, name := range names {
		first := valueOf(rows[0], name)
		if !slices.ContainsFunc(rows, func(row []field) bool { return !bytes.Equal(valueOf(row, name), first) }) {
			same = append(same, field{name, first})
		}
	}
	return same
}

// leastColumns is how narrow a column of a table may become.
const leastColumns = 10

// sidPattern is what people copy from a table, so it is never cut.
var sidPattern = regexp.MustCompile(`^[A-Z]{2}[0-9a-f]{32}$`)

// A table is lines of cells; the first is the header.
type table struct {
	lines  [][]string
	widths []int // of the columns of the table
}

func newTable(names []string, rows [][]field) *table {
	t := &table{}
	header := make([]string, len(names))
	for i, name := range names {
		header[i] = oneLine(name)
	}
	t.lines = append(t.lines, header)
	for _, row := range rows {
		line := make([]string, len(names))
		for i, name := range names {
			line[i] = "-"
			if value := valueOf(row, name); value != nil {
				line[i] = plain(value)
			}
		}
		t.lines = append(t.lines, line)
	}
	return t
}

// fit sets the widths so that the table fits into this many columns of a terminal, and says whether it can: it narrows the
// widest columns.
func (t *table) fit(columns int) bool {
	least := make([]int, len(t.lines[0]))
	t.widths = make([]int, len(least))
	total := 2 * (len(least) - 1)
	for i := range least {
		for _, line := range t.lines {
			full := widthOf(line[i])
			needs := min(full, leastColumns)
			if sidPattern.MatchString(line[i]) {
				needs = full
			}
			least[i], t.widths[i] = max(least[i], needs), max(t.widths[i], min(full, columns))
		}
		total += t.widths[i]
	}
	for ; total > columns; total-- {
		widest := -1
		for i, width := range t.widths {
			if width > least[i] && (widest < 0 || width > t.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		t.widths[widest]--
	}
	return true
}

func (t *table) write(b *strings.Builder) {
	for _, line := range t.lines {
		padding := 0
		for i, cell := range line {
			cell = cut(cell, t.widths[i])
			b.WriteString(strings.Repeat(" ", padding) + cell)
			padding = t.widths[i] - widthOf(cell) + 2
		}
		b.WriteString("\n")
	}
}

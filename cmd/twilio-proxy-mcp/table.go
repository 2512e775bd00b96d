package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A field is a member of a JSON object.
type field struct {
	name  string
	value json.RawMessage
}

// fieldsOf are the members of an object in their order.
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
		fields = append(fields, field{fmt.Sprint(name), value})
	}
	return fields
}

// given are the fields that are not null.
func given(fields []field) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return string(f.value) == "null" })
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
		for _, f := range given(fieldsOf(value)) {
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
	for _, f := range given(fieldsOf(object)) {
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
	if t := newTable(names, rows); t.fits(columns) {
		t.write(&b)
		return b.String()
	}
	same := sameInAll(names, rows)
	rest := slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(same, func(f field) bool { return f.name == name })
	})
	if t := newTable(rest, rows); len(rows) > 1 && len(rest) > 0 && t.fits(columns) {
		writeFacts(&b, same)
		b.WriteString("\n")
		t.write(&b)
		return b.String()
	}
	for i, row := range rows {
		if i > 0 {
			b.WriteString("\n")
		}
		writeFacts(&b, given(row))
	}
	return b.String()
}

// fieldNames are the names of all fields that some row gives, in the order in which they come first, be it as null.
func fieldNames(rows [][]field) (names []string) {
	for _, row := range rows {
		for _, f := range row {
			if !slices.Contains(names, f.name) {
				names = append(names, f.name)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(rows, func(row []field) bool { return valueOf(row, name) != nil })
	})
}

// valueOf is nil if the row does not give such a field.
func valueOf(row []field, name string) json.RawMessage {
	for _, f := range given(row) {
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

// A table is lines of cells; the first is the header. Nothing in it is cut: people copy SIDs from it, and read what was written.
type table struct {
	lines  [][]string
	widths []int // of the columns of the table
}

func newTable(names []string, rows [][]field) *table {
	t := &table{make([][]string, 1+len(rows)), make([]int, len(names))}
	for i, name := range names {
		column := []string{oneLine(name)}
		for _, row := range rows {
			cell := "-"
			if value := valueOf(row, name); value != nil {
				cell = plain(value)
			}
			column = append(column, cell)
		}
		for n, cell := range column {
			t.lines[n] = append(t.lines[n], cell)
			t.widths[i] = max(t.widths[i], widthOf(cell))
		}
	}
	return t
}

// fits reports whether a terminal with so many columns has room for it.
func (t *table) fits(columns int) bool {
	total := 2 * (len(t.widths) - 1)
	for _, width := range t.widths {
		total += width
	}
	return total <= columns
}

func (t *table) write(b *strings.Builder) {
	for _, line := range t.lines {
		padding := 0
		for i, cell := range line {
			b.WriteString(strings.Repeat(" ", padding) + cell)
			padding = t.widths[i] - widthOf(cell) + 2
		}
		b.WriteString("\n")
	}
}

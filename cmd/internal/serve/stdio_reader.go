package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
)

// lineReader reads lines of bounded length.
type lineReader struct {
	in  *bufio.Reader
	max int // bytes
}

func newLineReader(in io.Reader, max int) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 1<<16), max: max}
}

// next returns the next line, the last one also without its newline. A line longer than max is read to its end in
// bounded memory and reported as tooLong, with the request's id where it can be told from the line's ends.
func (r *lineReader) next() (line []byte, tooLong *longLine, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		more := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case tooLong != nil:
			tooLong.add(part)
		case len(line)+len(part) > r.max+1: // the newline does not count
			tooLong = &longLine{head: line}
			tooLong.add(line)
			tooLong.add(part)
			line = nil
		default:
			line = append(line, part...)
		}
		if more {
			continue
		}
		if err != nil && (err != io.EOF || len(line) == 0 && tooLong == nil) {
			return nil, nil, err
		}
		return line, tooLong, nil // at EOF the next read says so again
	}
}

// longLine is the beginning and the end of a line that was skipped.
type longLine struct {
	head []byte
	tail []byte
}

const longLineTail = 512 // bytes; chosen, an id at the end is shorter

func (l *longLine) add(part []byte) {
	if len(l.head) == 0 {
		l.head = bytes.Clone(part)
	}
	l.tail = append(l.tail, part[max(0, len(part)-longLineTail):]...)
	if excess := len(l.tail) - longLineTail; excess > 0 {
		l.tail = append(l.tail[:0], l.tail[excess:]...)
	}
}

// lastID matches an id that is the last member of a JSON object at the end of a line. Being the last, it belongs to
// the outermost object, and no string can hold it, as nothing closes one after it.
var lastID = regexp.MustCompile(`[{,]\s*"id"\s*:\s*(-?[0-9]+|"[^"\\]*")\s*\}\s*$`)

// id finds the request's id before the first nested value or as the last member, where clients put it; nil when
// it is in neither place.
func (l *longLine) id() json.RawMessage {
	if id := l.firstID(); id != nil {
		return id
	}
	return idAtEnd(l.tail)
}

// idAtEnd finds the id as the last member of an object that ends a line; nil when it is not there.
func idAtEnd(line []byte) json.RawMessage {
	if match := lastID.FindSubmatch(line[max(0, len(line)-longLineTail):]); match != nil && plainID(match[1]) {
		return match[1]
	}
	return nil
}

func (l *longLine) firstID() json.RawMessage {
	tokens := json.NewDecoder(bytes.NewReader(l.head))
	tokens.UseNumber()
	if open, err := tokens.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	for {
		key, err := tokens.Token()
		if err != nil {
			return nil
		}
		if key == "id" {
			var id json.RawMessage
			if tokens.Decode(&id) != nil || !plainID(id) {
				return nil
			}
			return id
		}
		value, err := tokens.Token()
		if _, nested := value.(json.Delim); nested || err != nil {
			return nil
		}
	}
}

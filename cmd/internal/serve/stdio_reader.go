package serve

import (
	"bufio"
	"errors"
	"io"
	"slices"
)

// nextLine reads a line; the last one also without its newline. Of a line longer than max bytes, the beginning is returned
// and the rest skipped.
func nextLine(in *bufio.Reader, max int) (line []byte, skipped bool, err error) {
	length, parts := 0, [][]byte(nil) // put together at the end, so that a line that waits takes no more than its bytes
	for {
		part, err := in.ReadSlice('\n')
		more := errors.Is(err, bufio.ErrBufferFull)
		if !skipped {
			parts, length = append(parts, slices.Clone(part)), length+len(part)
			skipped = length > max+1 // the newline does not count
		}
		if more {
			continue
		}
		if err != nil && (err != io.EOF || length == 0) {
			return nil, false, err
		}
		return slices.Concat(parts...), skipped, nil // at EOF the next read says so again
	}
}

//go:build !unix

package logs

import "os"

// ToStderr makes a Writer to the standard error.
func ToStderr() *Writer { return New(os.Stderr) }

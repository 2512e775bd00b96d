//go:build unix && !linux

package e2e

import (
	"os"
	"runtime"
	"testing"
)

func resizePipe(t *testing.T, _ *os.File, _ int) {
	t.Skip("the size of a pipe cannot be set on " + runtime.GOOS)
}

//go:build profile

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServeStdio serves the process's own stdin and stdout, so that the flags
// -test.cpuprofile and -test.memprofile see the whole server at work:
// "go run ./cmd/bench -profile DIR" builds it with the tag and calls it.
func TestServeStdio(t *testing.T) {
	require.Zero(t, run(t.Context(), []string{"stdio"}, program{os.Stdin, os.Stdout, os.Stderr, toolSets}))
}

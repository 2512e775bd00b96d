//go:build profile

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServeStdio serves real stdin and stdout, so that -test.cpuprofile and
// -test.memprofile cover the whole server. "go run ./cmd/bench -profile DIR"
// builds this test with the tag profile, and calls it.
func TestServeStdio(t *testing.T) {
	require.Zero(t, run(t.Context(), []string{"stdio"}, program{os.Stdin, os.Stdout, os.Stderr, toolSets}))
}

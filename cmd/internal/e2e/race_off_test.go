//go:build !race

package e2e

// raceFlag are the build flags that match this test binary.
var raceFlag []string

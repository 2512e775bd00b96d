//go:build race

package e2e

// raceFlag builds the binary as this test is built.
var raceFlag = []string{"-race"}

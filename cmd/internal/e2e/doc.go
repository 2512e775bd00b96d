// Package e2e holds the tests that run the binary as its users do: over real
// pipes and sockets, with foreign clients, against the fake over loopback.
package e2e

// Package e2e tests the whole binary as its users run it: over real pipes and
// sockets, with other projects' clients, against the fake on loopback.
package e2e

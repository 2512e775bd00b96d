//go:build !linux

package ledger

import "syscall"

// serverUser is whom PostgreSQL runs as: the tests' own user.
func serverUser(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }

//go:build !linux

package ledgertest

import "syscall"

// serverUser is whom PostgreSQL runs as: the tests' own user.
func serverUser(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }

//go:build !linux

package ledgertest

import "syscall"

// serverUser is the user that PostgreSQL runs as: the tests' own.
func serverUser(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }

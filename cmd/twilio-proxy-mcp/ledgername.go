package main

import (
	"net/url"
	"path/filepath"

	"twilio-proxy-mcp/tools/ledger"
)

// ledgerName says where a ledger is: its absolute path, or the address of its database without user and password.
func ledgerName(l *ledger.Ledger) string {
	if l.DSN != "" {
		u, err := url.Parse(l.DSN)
		if err != nil {
			return "in the PostgreSQL database"
		}
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return l.Path
	}
	return path
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"twilio-proxy-mcp/tools/ledger"
)

var errPasswordInArgument = errors.New("--ledger: a URL with a password does not belong in a command line, where every user of the machine sees it; use TWILIO_PROXY_MCP_LEDGER, --ledger-file, or PostgreSQL's own PGPASSWORD or .pgpass")

// openLedger makes the ledger that the flags name; nothing is opened before
// the first send. It is nil for "off".
func (c *Common) openLedger(log *slog.Logger) (*ledger.Ledger, error) {
	where := c.Ledger
	if c.Ledger != "" && c.LedgerFile != "" {
		return nil, usageError{errors.New("--ledger and --ledger-file are both set; set one")}
	}
	if c.LedgerFile != "" {
		content, err := os.ReadFile(c.LedgerFile)
		if err != nil {
			return nil, fmt.Errorf("--ledger-file: %w", err)
		}
		where = strings.TrimSpace(string(content))
	}
	switch {
	case where == "off":
		return nil, nil
	case strings.HasPrefix(where, "postgres://"), strings.HasPrefix(where, "postgresql://"):
		if c.LedgerFile == "" && hasPassword(where) && slices.ContainsFunc(os.Args[1:], func(a string) bool { return strings.Contains(a, where) }) {
			return nil, usageError{errPasswordInArgument}
		}
		return &ledger.Ledger{DSN: where, Log: log}, nil
	case strings.Contains(where, "://"), strings.HasPrefix(where, "postgres:"), strings.Contains(where, "host="), strings.Contains(where, "password="):
		return nil, usageError{errors.New("--ledger: must be a file, a postgres:// URL, or off")}
	case where != "":
		return &ledger.Ledger{Path: where, Log: log}, nil
	}
	dir, err := stateDirectory()
	if err != nil {
		return nil, err
	}
	closeDirectory(dir, log)
	return &ledger.Ledger{Path: filepath.Join(dir, "ledger.db"), Log: log}, nil
}

// closeDirectory takes the permissions of others from the program's own state
// directory, which a backup or another hand may have made anew. A directory
// that --ledger names is its owner's matter.
func closeDirectory(dir string, log *slog.Logger) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(dir, 0o700)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("the state directory cannot be kept from others", "error", err)
	}
}

func hasPassword(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return true // nobody knows; the safe answer
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// stateDirectory is where a program keeps what must survive: XDG's state
// directory, or the system's place for a program's own data.
func stateDirectory() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" && runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no place for the ledger: %w; name one with --ledger", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	if base == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("no place for the ledger: %w; name one with --ledger", err)
		}
		base = config
	}
	return filepath.Join(base, "twilio-proxy-mcp"), nil
}

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

var errPasswordInArgument = errors.New("--ledger: a URL with a password does not belong in a command line, where every user of the machine can see it; use TWILIO_PROXY_MCP_LEDGER, --ledger-file, or PostgreSQL's own PGPASSWORD or .pgpass")

// openLedger makes the ledger that the flags name. It opens no file or connection;
// the first use does. The ledger is nil for "off".
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
	makePrivate(dir, log)
	return &ledger.Ledger{Path: filepath.Join(dir, "ledger.db"), Log: log}, nil
}

// makePrivate removes other users' permissions on the program's own state
// directory. Something else, such as a restored backup, may have made it. A
// directory that --ledger names is left alone.
func makePrivate(dir string, log *slog.Logger) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(dir, 0o700)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("the state directory may be open to other users: its permissions could not be changed", "error", err)
	}
}

func hasPassword(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return true // it may have one
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// stateDirectory is XDG's state directory. On Windows and macOS it is the
// system's configuration directory, unless XDG_STATE_HOME is set.
func stateDirectory() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" && runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("there is no directory for the ledger: %w; set --ledger", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	if base == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("there is no directory for the ledger: %w; set --ledger", err)
		}
		base = config
	}
	return filepath.Join(base, "twilio-proxy-mcp"), nil
}

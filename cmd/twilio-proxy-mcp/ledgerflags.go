package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"twilio-proxy-mcp/cmd/internal/config"
	"twilio-proxy-mcp/tools/ledger"
)

var errPasswordInArgument = errors.New("--ledger: a URL with a password does not belong in a command line, where every user of the machine can see it; use TWILIO_PROXY_MCP_LEDGER, --ledger-file, or PostgreSQL's own PGPASSWORD or .pgpass")

// openLedger makes the ledger that the flags name. It opens no file or connection;
// the first use does. The ledger is nil for "off".
func (c *Common) openLedger(log *slog.Logger) (*ledger.Ledger, error) {
	if c.Ledger == "" && c.LedgerFile == "" {
		dir, err := config.StateDirectory(os.Getenv)
		if err != nil {
			return nil, usageError{fmt.Errorf("there is no directory for the ledger: %w; set --ledger", err)}
		}
		if xdg := os.Getenv("XDG_STATE_HOME"); xdg != "" && !filepath.IsAbs(xdg) {
			log.Warn("XDG_STATE_HOME is ignored, because it is not an absolute path")
		}
		makePrivate(dir, log)
		return &ledger.Ledger{Path: filepath.Join(dir, "ledger.db"), Log: log}, nil
	}
	where, err := c.ledgerSetting()
	if err != nil {
		return nil, usageError{err}
	}
	if where.Off {
		return nil, nil
	}
	return &ledger.Ledger{Path: where.Path, DSN: where.DSN, Log: log}, nil
}

// checkPath names what the path of a ledger is from, if no ledger can ever be there.
func (c *Common) checkPath(path string) error {
	err := config.CheckFile(path)
	if err == nil {
		return nil
	}
	from := "--ledger"
	if c.LedgerFile != "" {
		from = "--ledger-file"
	}
	return usageError{fmt.Errorf("%s: %s: %w", from, path, err)}
}

// ledgerSetting reads --ledger or --ledger-file, one of which is set.
func (c *Common) ledgerSetting() (config.Ledger, error) {
	if c.LedgerFile == "" {
		where, err := config.ParseLedger(c.Ledger, os.Getenv)
		if err != nil {
			return where, fmt.Errorf("--ledger: %w", err)
		}
		if c.variables["ledger"] == "" && hasPassword(where.DSN) {
			return where, errPasswordInArgument
		}
		return where, nil
	}
	if c.Ledger != "" {
		return config.Ledger{}, errors.New("--ledger and --ledger-file are both set; set one")
	}
	value, err := config.Read(c.LedgerFile)
	if err != nil {
		return config.Ledger{}, fmt.Errorf("--ledger-file: it names a file that holds the ledger's path or URL; %w", err)
	}
	where, err := config.ParseLedger(value, os.Getenv)
	if err != nil {
		return where, fmt.Errorf("--ledger-file: what it holds: %w", err)
	}
	return where, nil
}

// ledgerName says where a ledger is, without a password. A nil ledger is off.
func ledgerName(l *ledger.Ledger) string {
	switch {
	case l == nil:
		return "off"
	case l.Memory:
		return "memory"
	case l.DSN != "":
		return config.DSNName(l.DSN, os.Getenv)
	}
	return l.Path
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

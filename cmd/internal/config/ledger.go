package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// Ledger is where the ledger is: in a file, on a PostgreSQL server, or nowhere.
type Ledger struct {
	Path string // absolute
	DSN  string // a postgres:// or postgresql:// URL, which may hold a password
	Off  bool
}

var errLedger = errors.New("must be the absolute path of a file (it may begin with ~/), a postgres:// URL, or off: " +
	"a relative path would name another ledger in every directory, and a repeat would be sent again")

// ParseLedger reads the value of the setting. It opens nothing. The path of a file is absolute, so that the working
// directory does not matter.
func ParseLedger(text string, getenv func(string) string) (Ledger, error) {
	value, err := Value(text)
	if err != nil {
		return Ledger{}, err
	}
	switch {
	case strings.EqualFold(value, "off"):
		return Ledger{Off: true}, nil
	case strings.HasPrefix(value, "postgres://"), strings.HasPrefix(value, "postgresql://"):
		if !isURL(value) {
			return Ledger{}, errors.New("this is no valid postgres:// URL; a special character in the password is written as % and two hexadecimal digits")
		}
		return Ledger{DSN: value}, nil
	}
	path, err := File(value, getenv)
	switch {
	case err != nil:
		return Ledger{}, err
	case !filepath.IsAbs(path):
		return Ledger{}, errLedger
	case strings.HasSuffix(value, "/"), strings.HasSuffix(value, string(filepath.Separator)):
		return Ledger{}, errDirectory
	}
	return Ledger{Path: path}, nil
}

// isURL reports whether a URL is what was meant. A password that has a /, ? or # as it is ends the host's name early. Its
// rest would then pass for a path or parameters, which are no secrets.
func isURL(value string) bool {
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	parameter, _, _ := strings.Cut(u.RawQuery, "=")
	return u.Fragment == "" && !strings.Contains(u.EscapedPath()+parameter, "@")
}

// StateDirectory is where the program keeps its files: below XDG's state directory, or on Windows and macOS below the
// system's directory for configuration, unless XDG_STATE_HOME is set. A relative XDG_STATE_HOME is ignored, as the XDG
// Base Directory Specification says. The result is absolute.
func StateDirectory(getenv func(string) string) (string, error) {
	base, err := Value(getenv("XDG_STATE_HOME"))
	if err != nil {
		return "", fmt.Errorf("XDG_STATE_HOME: %w", err)
	}
	if !filepath.IsAbs(base) {
		if base, err = systemDirectory(getenv); err != nil {
			return "", err
		}
	}
	return filepath.Join(base, "twilio-proxy-mcp"), nil
}

func systemDirectory(getenv func(string) string) (string, error) {
	if runtime.GOOS == "windows" {
		return directory("AppData", getenv)
	}
	dir, err := home(getenv)
	if runtime.GOOS == "darwin" {
		return filepath.Join(dir, "Library", "Application Support"), err
	}
	return filepath.Join(dir, ".local", "state"), err
}

// DSNName names the database of a postgres:// URL and what chooses a schema in it, without a user, a password or another
// parameter. What the URL leaves out, PostgreSQL's own variables may have.
func DSNName(dsn string, getenv func(string) string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres" // it may have a password anywhere
	}
	query, schema := u.Query(), url.Values{}
	if path := query.Get("search_path"); path != "" {
		schema.Set("search_path", path)
	}
	if options := cmp.Or(query.Get("options"), getenv("PGOPTIONS")); options != "" {
		schema.Set("options", options)
	}
	host := cmp.Or(u.Host, query.Get("host"), getenv("PGHOST"))
	if port := cmp.Or(query.Get("port"), getenv("PGPORT")); u.Port() == "" && port != "" {
		host += ":" + port
	}
	database := cmp.Or(strings.TrimPrefix(u.Path, "/"), query.Get("dbname"), getenv("PGDATABASE"))
	named := url.URL{RawQuery: schema.Encode()}
	return "postgres://" + host + "/" + database + named.String()
}

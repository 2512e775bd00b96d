package fake

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// params are the body parameters of a call. err is the first problem found while
// reading them.
type params struct {
	values url.Values
	err    error
}

// readForm reads a form-encoded body. A body of another type has no parameters,
// as with the real API.
func readForm(r *http.Request, body []byte) (*params, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return &params{}, nil
	}
	// A raw semicolon is part of a value. net/url would refuse it.
	values, err := url.ParseQuery(strings.ReplaceAll(string(body), ";", "%3B"))
	if err != nil {
		return nil, refuse(400, 80701, "The request body is not form-encoded")
	}
	for name, all := range values {
		for _, value := range all {
			if !utf8.ValidString(value) {
				return nil, invalid(strings.ToValidUTF8(name, "\uFFFD"), "It is not valid UTF-8.")
			}
		}
	}
	return &params{values: values}, nil
}

func (p *params) fail(name, why string, args ...any) {
	if p.err == nil {
		p.err = invalid(name, fmt.Sprintf(why, args...))
	}
}

// text returns a parameter and whether it was given. limit is in characters; 0 =
// no limit.
func (p *params) text(name string, limit int) (string, bool) {
	value := p.values.Get(name)
	if limit > 0 && utf8.RuneCountInString(value) > limit {
		p.fail(name, "It has more than %d characters.", limit)
	}
	return strings.Clone(value), p.values.Has(name) // else it keeps the whole form
}

func (p *params) required(name string, limit int) string {
	value, _ := p.text(name, limit)
	if strings.TrimSpace(value) == "" {
		p.fail(name, "It is required.")
	}
	return value
}

// natural reads an integer that is not negative. An empty value counts as not
// given.
func (p *params) natural(name string) (int, bool) {
	value := p.values.Get(name)
	if value == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		p.fail(name, "It must be an integer from 0 to 2147483647.")
		return 0, false
	}
	return int(n), true
}

func (p *params) boolean(name string) (value, given bool) {
	switch strings.ToLower(p.values.Get(name)) {
	case "":
		return false, false
	case "true":
		return true, true
	case "false":
		return false, true
	}
	p.fail(name, "It must be true or false.")
	return false, false
}

func (p *params) oneOf(name string, allowed ...string) (string, bool) {
	value := p.values.Get(name)
	if value == "" {
		return "", false
	}
	if !slices.Contains(allowed, value) {
		p.fail(name, "It must be one of %s.", strings.Join(allowed, ", "))
	}
	return value, true
}

// address reads an absolute http or https URL of up to 4,000 characters. An empty
// value counts as given, so that an update can remove a URL.
func (p *params) address(name string) (string, bool) {
	value, given := p.text(name, 4000)
	if value != "" && !webURL(value) {
		p.fail(name, "It must be an absolute http or https URL.")
	}
	return value, given
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (p *params) sid(name, prefix string) (string, bool) {
	value, given := p.text(name, 0)
	if value != "" && !wellFormed(prefix, value) {
		p.fail(name, "It must be a SID: %s and 32 hexadecimal digits.", prefix)
	}
	return value, given
}

func (p *params) date(name string) (time.Time, bool) {
	value := p.values.Get(name)
	if value == "" {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, value)
	t = t.UTC() // this can change the year, even to 10000
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		p.fail(name, "It must be an ISO 8601 date and time such as 2015-07-30T20:00:00Z, up to the year 9999 in UTC.")
	}
	return t, true
}

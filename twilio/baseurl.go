package twilio

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// defaultBaseURL is the Proxy API's own address.
const defaultBaseURL = "https://proxy.twilio.com"

// BaseURL reads the Proxy API's address from the environment. The result is a
// value for Client.BaseURL. TWILIO_PROXY_BASE_URL takes precedence. Otherwise
// TWILIO_EDGE and TWILIO_REGION make the host proxy.{edge}.{region}.twilio.com, as
// in Twilio's own libraries; an edge without a region means us1. If none is set,
// the address is https://proxy.twilio.com.
//
// A region without an edge is an error: Twilio would route the requests to us1,
// which is surely not what was meant. A base URL must be https, or http to a
// loopback address. It may have a path, which is kept as a prefix and must not end with /v1. It must not have
// a user, query or fragment. Spellings that lead to the same place as a plain one are errors where they could be taken
// for another place: "." and ".." and empty elements in the path, a backslash in it, a host that is not ASCII or ends
// with a dot, and a port that begins with 0.
func BaseURL(getenv func(string) string) (string, error) {
	if override := getenv("TWILIO_PROXY_BASE_URL"); override != "" {
		if _, err := parseBaseURL(override); err != nil {
			return "", fmt.Errorf("TWILIO_PROXY_BASE_URL %w", err)
		}
		return override, nil
	}
	edge, region := getenv("TWILIO_EDGE"), getenv("TWILIO_REGION")
	switch {
	case edge == "" && region == "":
		return defaultBaseURL, nil
	case edge == "":
		return "", errors.New("TWILIO_REGION is set without TWILIO_EDGE: Twilio would ignore the region and route to us1; set both or neither")
	case region == "":
		region = "us1"
	}
	if !isLabel(edge) {
		return "", errors.New("TWILIO_EDGE is not the name of an edge, such as dublin")
	}
	if !isLabel(region) {
		return "", errors.New("TWILIO_REGION is not the name of a region, such as ie1")
	}
	return "https://proxy." + edge + "." + region + ".twilio.com", nil
}

// parseBaseURL checks raw against the rules in BaseURL's documentation. Its errors
// continue a sentence that starts with the name of the setting. They do not show
// the value, which may contain a password by mistake.
func parseBaseURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = defaultBaseURL
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is no URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must begin with https://, or with http:// for a loopback address")
	case u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("has no host")
	case !isPort(u.Port()):
		return nil, errors.New("has a number after the host that is no port")
	case strings.HasSuffix(u.Hostname(), "."):
		return nil, errors.New("has a host that ends with a dot: leave the dot out")
	case strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, errors.New("has a host that is not ASCII: write it as DNS does, with xn--")
	case !isPlain(u.Path):
		return nil, errors.New("has \"//\", a backslash, \".\" or \"..\" in its path, encoded or not: write the path that it leads to")
	case u.User != nil:
		return nil, errors.New("must not contain a user or password: credentials have settings of their own")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("must not contain a query")
	case strings.Contains(raw, "#"):
		return nil, errors.New("must not contain a fragment")
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"):
		return nil, errors.New("must not end with /v1: that is the version, which every request adds")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("must begin with https://, as the credentials would travel in the clear; plain http is for loopback addresses only")
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// isPlain reports whether p, which is not encoded, leads where it says. It may end with a slash.
func isPlain(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return !strings.Contains(p, `\`) && (p == "" || p == path.Clean(p) && p != "/")
}

// isPort reports whether s is a port as it is commonly written, or is empty, which leaves the scheme's.
func isPort(s string) bool {
	port, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && s == strconv.FormatUint(port, 10)
}

// isLabel reports whether s can be one element of a host name (RFC 1123).
func isLabel(s string) bool {
	odd := strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
	return !odd && 0 < len(s) && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
}

package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How many bytes of an answer are read. The API's objects have one to four
// kilobytes. Twilio documents up to 100 of them a page; PageSize allows 1000.
const (
	maxObject = 1 << 20
	maxPage   = 8 << 20
)

// Our bounds for what does not seem to end: the pages of a list, the bytes of a link, and the records of a page, which are
// ten times as many as PageSize may ask for.
const (
	defaultMaxPages = 20
	maxNextLink     = 4 << 10
	maxRecords      = 10_000
)

// Paging says how much of a list to read. The zero value is a good default.
type Paging struct {
	PageSize int // 1 to 1000; 0 means Twilio's default, which is documented as 50. It also documents at most 100 records a page
	MaxPages int // 0 means 20

	// LatestTurn is the time after which nothing waits for a turn within the RateLimit; zero means the end of the call.
	LatestTurn time.Time
}

// A Page is one page of a list. A list is read page by page, in Twilio's order, of which nothing is documented. A page may
// have fewer than PageSize, even none: only one without a link to the next is the last. Each is a separate call with the
// client's Timeout, and each of its attempts takes a turn within the RateLimit.
//
// Of the link, only the query counts. The next page is asked for where the first was, and only if the link names the same
// scheme, host, port and path: with the host and a SID's digits in either case, with the scheme's own port spelled out or
// not, and with any of Twilio's edges and regions. A reverse proxy at the BaseURL must rewrite Twilio's links to its own
// address. Relative links are not followed; the API has none.
//
// The first error ends a list, after the pages before it. It is an *Error for any answer that is not 2xx or that no API
// gave, and a *NotSentError if Twilio was not reached, and around ErrNoPath (a SID is missing) and ErrNoTurn. It is
// ErrElsewhere for a link that leads elsewhere, and another error if no answer came, if a page could not be read, and for a
// link that cannot be read or leads to a page that was already read.
type Page[T any] struct {
	Head
	Items []T  // without those that say that they belong elsewhere or, except among Interactions, have no SID
	More  bool // another page follows; if MaxPages is reached, it is not fetched
}

// ErrElsewhere ends a list whose link to the next page leads to another address. Page says which one is another.
var ErrElsewhere = errors.New("the answer's link to the next page leads to another address; it was not followed")

var (
	errLink = errors.New("the answer's link to the next page cannot be read")
	errLoop = errors.New("the answer's link to the next page leads back to a page that was read")
)

func list[T any](ctx context.Context, c *Client, s source[T], paging Paging) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		path, maxPages, seen := s.path, paging.MaxPages, map[string]bool{}
		if path != "" && paging.PageSize > 0 {
			path += "?PageSize=" + strconv.Itoa(paging.PageSize)
		}
		if maxPages <= 0 {
			maxPages = defaultMaxPages
		}
		for n := 1; ; n++ {
			seen[path] = true
			page, next, err := listPage(ctx, c, s, path, paging.LatestTurn)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || next == "" || n == maxPages {
				return
			}
			if path, err = c.nextPath(path, next); err == nil && seen[path] {
				err = errLoop
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// listPage fetches one page, and the link to the next.
func listPage[T any](ctx context.Context, c *Client, s source[T], path string, latestTurn time.Time) (*Page[T], string, error) {
	ans, err := c.get(ctx, s.operation, s.service, path, maxPage, latestTurn)
	if err != nil {
		return nil, "", err
	}
	var fields map[string]json.RawMessage
	var meta struct {
		NextPageURL string `json:"next_page_url"`
	}
	unreadable := fmt.Errorf("the answer is not a page of %s in JSON", s.key)
	if json.Unmarshal(ans.body, &fields) != nil {
		return nil, "", unreadable
	}
	if raw, given := fields["meta"]; given && json.Unmarshal(raw, &meta) != nil {
		return nil, "", unreadable
	}
	page := &Page[T]{Head: Head{ans.date, ans.requestID}, More: meta.NextPageURL != ""}
	records := json.NewDecoder(bytes.NewReader(fields[s.key]))
	if start, err := records.Token(); err != nil || start != json.Delim('[') {
		return nil, "", unreadable
	}
	for n := 0; records.More(); n++ {
		var raw json.RawMessage
		if records.Decode(&raw) != nil || n == maxRecords {
			return nil, "", unreadable
		}
		item, ours, err := s.read(raw)
		if err != nil {
			return nil, "", fmt.Errorf("one of the %s in the list cannot be read: %w", s.key, err)
		}
		if ours {
			page.Items = append(page.Items, item)
		}
	}
	return page, meta.NextPageURL, nil
}

// nextPath returns the path and query of the next page. The path is this page's own, so that the credentials go nowhere
// else.
func (c *Client) nextPath(path, next string) (string, error) {
	link, err := url.Parse(next)
	if err != nil || link.User != nil || !sameAddress(c.urlOf(path), link) {
		return "", ErrElsewhere
	}
	query, err := url.ParseQuery(link.RawQuery)
	if err != nil || len(next) > maxNextLink {
		return "", errLink // without what cannot be read, it could be the link to the first page
	}
	samePath, _, _ := strings.Cut(path, "?")
	return samePath + "?" + query.Encode(), nil
}

func sameAddress(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostAndPort(a) == hostAndPort(b) && strings.EqualFold(a.EscapedPath(), b.EscapedPath())
}

// hostAndPort is the same for every spelling. All edges and regions of Twilio are one host, because it is not documented
// which one a link names.
func hostAndPort(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.HasPrefix(host, "proxy.") && strings.HasSuffix(host, ".twilio.com") {
		host = "proxy.twilio.com"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(host, port)
}

package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// How many bytes of an answer are read. The API's objects have one to four
// kilobytes. Twilio documents up to 100 of them a page; PageSize allows 1000.
const (
	maxObject = 1 << 20
	maxPage   = 8 << 20
)

// defaultMaxPages bounds a list that does not seem to end.
const defaultMaxPages = 20

// Paging says how much of a list to read. The zero value is a good default.
type Paging struct {
	PageSize int // 1 to 1000; 0 means Twilio's default, which is documented as 50. It also documents at most 100 records a page
	MaxPages int // 0 means 20
}

// A Page is one page of a list.
type Page[T any] struct {
	Head
	Items []T  // in Twilio's order, without those that say that they belong elsewhere
	More  bool // another page follows; if MaxPages is reached, it is not fetched
}

// ErrElsewhere ends a list whose next page is not at the same host and path. The link was not followed, because the
// credentials would go along.
var ErrElsewhere = errors.New("the answer's link to the next page leads to another address; it was not followed")

// A listing is one of the API's lists.
type listing[T any] struct {
	operation string
	service   string // whose turns the requests take
	path      string // see pathTo
	key       string // the name of the records in a page
	// read decodes one record. ours is false if it says that it belongs elsewhere.
	read func(raw []byte) (item T, ours bool, err error)
}

// list reads page by page. Twilio documents no order. A page may have fewer than
// PageSize, even none: only a page without a link to the next is the last. Every
// page is a separate call with the client's Timeout, in its turn of the rate.
//
// The first error ends the list, after the pages before it. It is an *Error for any answer that is not 2xx
// or that no API gave, and a *NotSentError if Twilio was not reached or if there was no turn. It is ErrElsewhere for a
// link that is not followed, and another error if no answer came or if the page could not be read.
func list[T any](ctx context.Context, c *Client, l listing[T], paging Paging) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		path, maxPages := l.path, paging.MaxPages
		if path == "" {
			yield(nil, &NotSentError{Err: ErrNoPath})
			return
		}
		if paging.PageSize > 0 {
			path += "?PageSize=" + strconv.Itoa(paging.PageSize)
		}
		if maxPages == 0 {
			maxPages = defaultMaxPages
		}
		for n := 0; path != "" && n < maxPages; n++ {
			page, next, err := listPage(ctx, c, l, path)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			if path, err = c.nextPath(path, next); err != nil && n+1 < maxPages {
				yield(nil, err)
				return
			}
		}
	}
}

// listPage fetches one page, and the link to the next.
func listPage[T any](ctx context.Context, c *Client, l listing[T], path string) (*Page[T], string, error) {
	ans, err := c.get(ctx, l.operation, l.service, path, maxPage)
	if err != nil {
		return nil, "", err
	}
	var fields map[string]json.RawMessage
	var records []json.RawMessage
	var meta struct {
		NextPageURL string `json:"next_page_url"`
	}
	if json.Unmarshal(ans.body, &fields) != nil || json.Unmarshal(fields[l.key], &records) != nil || records == nil {
		return nil, "", fmt.Errorf("the answer is not a page of %s in JSON", l.key)
	}
	if raw, given := fields["meta"]; given && json.Unmarshal(raw, &meta) != nil {
		return nil, "", fmt.Errorf("the answer is not a page of %s in JSON", l.key)
	}
	page := &Page[T]{Head: Head{ans.date, ans.requestID}, More: meta.NextPageURL != ""}
	for _, raw := range records {
		item, ours, err := l.read(raw)
		if err != nil {
			return nil, "", fmt.Errorf("one of the %s in the list cannot be read: %w", l.key, err)
		}
		if ours {
			page.Items = append(page.Items, item)
		}
	}
	return page, meta.NextPageURL, nil
}

// nextPath returns the path and query of the next page. It must have the same
// scheme, host and path as this page, so that the credentials go nowhere else.
func (c *Client) nextPath(path, next string) (string, error) {
	if next == "" {
		return "", nil
	}
	here := c.urlOf(path)
	there, err := url.Parse(next)
	if err != nil || there.User != nil || there.Scheme != here.Scheme || there.Host != here.Host || there.EscapedPath() != here.EscapedPath() {
		return "", ErrElsewhere
	}
	samePath, _, _ := strings.Cut(path, "?")
	return samePath + "?" + there.Query().Encode(), nil
}

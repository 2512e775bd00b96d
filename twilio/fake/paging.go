package fake

import (
	"net/url"
	"sort"
	"strconv"
)

// Lists are newest first. A page token names the last record of the page before,
// so new records do not shift the following pages.

// PageSize may be up to 1,000, but the texts about the lists of services, sessions,
// phone numbers and interactions say that a page has at most 100 records. Both are
// from the OpenAPI description.
const (
	largestPageSize    = 1000
	defaultMaxPageSize = 100
)

type sequenced interface{ seq() uint64 }

// A window is the place of a page in a slice that is sorted oldest first.
type window struct {
	from, to   int // the page is items[from:to], read backwards
	size, page int
}

type pageMeta struct {
	FirstPageUrl    string `json:"first_page_url"`
	Key             string `json:"key"`
	NextPageUrl     orNull `json:"next_page_url"`
	Page            int    `json:"page"`
	PageSize        int    `json:"page_size"`
	PreviousPageUrl orNull `json:"previous_page_url"`
	Url             string `json:"url"`
}

// listPage renders the page of items that a call asks for, and only that page. It
// does not copy the slice.
func listPage[T sequenced, V any](c *call, path, key string, items []T, render func(T) V) (any, error) {
	w, err := findWindow(c.query, items, c.maxPageSize)
	if err != nil {
		return nil, err
	}
	views := make([]V, 0, w.to-w.from)
	for i := w.to - 1; i >= w.from; i-- {
		views = append(views, render(items[i]))
	}
	address := func(page int, token string) string {
		u := c.base + path + "?PageSize=" + strconv.Itoa(w.size) + "&Page=" + strconv.Itoa(page)
		if token != "" {
			u += "&PageToken=" + url.QueryEscape(token)
		}
		return u
	}
	meta := pageMeta{FirstPageUrl: address(0, ""), Key: key, Page: w.page, PageSize: w.size,
		Url: address(w.page, c.query.Get("PageToken"))}
	if w.from > 0 && w.to > w.from {
		meta.NextPageUrl = orNull(address(w.page+1, "PA"+token(items[w.from])))
	}
	if w.to < len(items) && w.to > w.from {
		meta.PreviousPageUrl = orNull(address(max(w.page-1, 0), "PB"+token(items[w.to-1])))
	}
	return map[string]any{key: views, "meta": meta}, nil
}

func token[T sequenced](item T) string { return strconv.FormatUint(item.seq(), 16) }

// findWindow finds the page that a query asks for. A token names the page after
// ("PA…") or before ("PB…") a record. Without a token, the number Page counts. A
// page has at most "most" records, whatever PageSize asks for.
func findWindow[T sequenced](query url.Values, items []T, most int) (window, error) {
	w := window{size: 50}
	numbers := params{values: query}
	if n, given := numbers.natural("PageSize"); given {
		w.size = n
	}
	w.page, _ = numbers.natural("Page")
	if numbers.err != nil {
		return w, numbers.err
	}
	if w.size < 1 || w.size > largestPageSize {
		return w, invalid("PageSize", "It must be an integer from 1 to 1000.")
	}
	w.size = min(w.size, most)
	given := query.Get("PageToken")
	if given == "" {
		w.to = max(len(items)-min(w.page, len(items))*w.size, 0)
		w.from = max(w.to-w.size, 0)
		return w, nil
	}
	if len(given) < 3 || given[:2] != "PA" && given[:2] != "PB" {
		return w, invalid("PageToken", "It is not one that this API gave.")
	}
	seq, err := strconv.ParseUint(given[2:], 16, 64)
	if err != nil {
		return w, invalid("PageToken", "It is not one that this API gave.")
	}
	if given[:2] == "PA" {
		w.to = sort.Search(len(items), func(i int) bool { return items[i].seq() >= seq })
		w.from = max(w.to-w.size, 0)
	} else {
		w.from = sort.Search(len(items), func(i int) bool { return items[i].seq() > seq })
		w.to = min(w.from+w.size, len(items))
	}
	return w, nil
}

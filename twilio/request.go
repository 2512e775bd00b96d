package twilio

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// urlOf appends a path, whose elements are escaped, and its query to the base URL.
func (c *Client) urlOf(pathAndQuery string) *url.URL {
	u := *c.base
	path, query, _ := strings.Cut(pathAndQuery, "?")
	if u.RawPath != "" || strings.Contains(path, "%") {
		u.RawPath = u.EscapedPath() + path
		path, _ = url.PathUnescape(path) // pathTo has escaped it
	}
	u.Path, u.RawQuery = u.Path+path, query
	return &u
}

// newRequest builds the HTTP request of one attempt. All requests share a header,
// because a RoundTripper does not change it.
func (c *Client) newRequest(ctx context.Context, call apiCall) *http.Request {
	// There is no GetBody, so net/http cannot rewind the body. It therefore never
	// repeats the request by itself, not even if a kept-alive connection turns
	// out to be closed. A GET has an empty body for that, and it sends none. "identity"
	// says so: net/http would otherwise try to read it for 200 ms, and then announce one.
	body := io.NopCloser(strings.NewReader(call.form))
	r := &http.Request{Method: http.MethodGet, URL: c.urlOf(call.path), Header: c.header, Body: body, TransferEncoding: []string{"identity"}}
	if call.form != "" {
		r.Method, r.Header, r.ContentLength, r.TransferEncoding = http.MethodPost, c.formHeader, int64(len(call.form)), nil
	}
	return r.WithContext(ctx)
}

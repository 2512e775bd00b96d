package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// A Head is what the head of an answer tells.
type Head struct {
	Date      time.Time // the Date header; zero without one
	RequestID string    // the Twilio-Request-Id header, or ""
}

// ErrAnother means that the answer is not about the resource that was asked for.
var ErrAnother = errors.New("the answer is about another resource than the one that was asked for")

// ErrNoPath means that a name cannot be asked for, because no path can have it. No request was made.
var ErrNoPath = errors.New("this name cannot be part of a path")

// pathTo is a path below the base URL, with every element escaped. It is "" if an element would lead elsewhere: an empty
// one, and "." and "..", which are steps in a path even if they are escaped (RFC 3986, 5.2.4).
func pathTo(elements ...string) string {
	path := "/v1"
	for _, element := range elements {
		if element == "" || element == "." || element == ".." {
			return ""
		}
		path += "/" + url.PathEscape(element)
	}
	return path
}

// fetch reads one resource. read decodes it, and tells whether it is the one that was asked for; if it is not, the error
// is ErrAnother. The other errors are those of list.
func (c *Client) fetch(ctx context.Context, operation, service, path string, read func(body []byte) (ours bool, err error)) (*Head, error) {
	ans, err := c.get(ctx, operation, service, path, maxObject)
	if err != nil {
		return nil, err
	}
	head := &Head{ans.date, ans.requestID}
	switch ours, err := read(ans.body); {
	case err != nil:
		return head, fmt.Errorf("the answer cannot be read: %w", err)
	case !ours:
		return head, ErrAnother
	}
	return head, nil
}

// get does a GET in its turn. Reading changes nothing, so there is no unknown outcome:
// an *OutcomeUnknownError is unwrapped. An unreadable body is an error too.
func (c *Client) get(ctx context.Context, operation, service, path string, limit int64) (*answer, error) {
	if path == "" {
		return nil, &NotSentError{Err: ErrNoPath}
	}
	ans, err := c.do(ctx, apiCall{operation: operation, path: path, limit: limit, before: c.inTurn(operation, service, -1, nil)})
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return nil, unknown.Err
	}
	if err == nil && ans.bodyErr != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", ans.bodyErr)
	}
	return ans, err
}

// sameName reports whether a resource is the one that was asked for by its SID or unique name.
func sameName(asked string, sid string, uniqueName *string) bool {
	return strings.EqualFold(asked, sid) && sid != "" || uniqueName != nil && *uniqueName == asked
}

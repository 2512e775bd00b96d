package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"twilio-proxy-mcp/schema"
)

// A Head is what the head of an answer tells.
type Head struct {
	Date      time.Time // the Date header; zero without one
	RequestID string    // the Twilio-Request-Id header, or ""
}

// ErrAnother means that nothing shows the answer to be about the resource that was asked for: it has no SID, or the SID,
// the unique name or the parent of another.
var ErrAnother = errors.New("the answer is not about the resource that was asked for")

// ErrNoPath means that a name cannot be asked for, because it would lead to another path or no name is such. No request
// was made.
var ErrNoPath = errors.New("this name cannot be part of a path")

// A source is where one resource or a list of them is read.
type source[T any] struct {
	operation string
	service   string // whose turns the requests take; "" for those about Services, which share theirs
	path      string // see pathTo
	key       string // the name of the records in a page of a list
	// read decodes one. ours is false if it has no SID or says that it belongs elsewhere.
	read func(raw []byte) (item T, ours bool, err error)
}

// pathTo is a path below the base URL, with every element escaped. It is "" if one of them cannot be an element.
func pathTo(elements ...string) string {
	path := "/v1"
	for _, element := range elements {
		if !isElement(element) {
			return ""
		}
		path += "/" + url.PathEscape(element)
	}
	return path
}

// isElement reports whether a name can be one element of a path. "." and ".." are steps in a path even if they are escaped
// (RFC 3986, 5.2.4), and so they are for who unescapes a slash too soon. No name has control characters or bytes that are
// not UTF-8.
func isElement(name string) bool {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) &&
		!slices.Contains(parts, ".") && !slices.Contains(parts, "..")
}

// fetch reads one resource. The error is ErrAnother if isAsked denies that it is the one. The other errors are those of a
// list (see Page).
func fetch[T any](ctx context.Context, c *Client, s source[T], isAsked func(*T) bool) (*T, *Head, error) {
	ans, err := c.get(ctx, s.operation, s.service, s.path, maxObject, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	head := &Head{ans.date, ans.requestID}
	switch item, ours, err := s.read(ans.body); {
	case err != nil:
		return nil, head, fmt.Errorf("the answer cannot be read: %w", err)
	case !ours || !isAsked(&item):
		return nil, head, ErrAnother
	default:
		return &item, head, nil
	}
}

// get does a GET, in its turn. Reading changes nothing, so there is no unknown outcome:
// an *OutcomeUnknownError is unwrapped. An unreadable body is an error too.
func (c *Client) get(ctx context.Context, operation, service, path string, limit int64, latestTurn time.Time) (*answer, error) {
	if path == "" {
		return nil, &NotSentError{Err: ErrNoPath}
	}
	ans, err := c.do(ctx, apiCall{operation: operation, path: path, limit: limit, before: c.inTurn(operation, service, -1, latestTurn, nil)})
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return nil, unknown.Err
	}
	if err == nil && ans.bodyErr != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", ans.bodyErr)
	}
	return ans, err
}

// isNamed reports whether a resource is the one that was asked for by its SID or else its unique name. What looks like a
// SID is one.
func isNamed[P schema.Prefix](asked string, sid *schema.Sid[P], uniqueName *string) bool {
	if wanted, err := schema.ParseSid[P](asked); err == nil {
		return is(wanted, sid)
	}
	return uniqueName != nil && *uniqueName == asked
}

func is[P schema.Prefix](wanted schema.Sid[P], sid *schema.Sid[P]) bool {
	return sid != nil && sid.Same(wanted)
}

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
	"time"

	"twilio-proxy-mcp/schema"
)

// How much of an answer is read, in bytes; chosen. The API's objects are of one
// to four kilobytes, and a page has up to 1000 of them.
const (
	maxObject = 1 << 20
	maxPage   = 8 << 20
)

// defaultMaxPages bounds a list whose end is not in sight; chosen.
const defaultMaxPages = 20

// Created is an accepted message interaction.
type Created struct {
	Interaction schema.MessageInteraction
	Misfits     map[string]json.RawMessage // what was in fields that did not have the documented shape
	RequestID   string                     // the header Twilio-Request-Id, or ""
	Date        time.Time                  // the answer's Date header; zero without one
	Retries     int                        // exchanges that came before the one that was accepted

	// Unreadable is why Interaction is empty, or nil: Twilio accepted the message
	// with a 2xx, but the body was cut off, too long, no JSON object or of
	// something else.
	Unreadable error
}

// CreateMessageInteraction sends a message to a participant
// (POST …/Participants/{ParticipantSid}/MessageInteractions). before, which may
// be nil, is asked immediately before each attempt, and hears how many came
// before that one; it is asked once more, with the same number, when the attempt
// had to wait for its connection. Its error stops the call as a *NotSentError
// that wraps it. A request that is not valid is a *NotSentError
// too. The other errors are those of the package comment.
func (c *Client) CreateMessageInteraction(ctx context.Context, req schema.CreateMessageInteraction, before func(ctx context.Context, tries int) error) (*Created, error) {
	if err := req.Validate(); err != nil {
		return nil, &NotSentError{Err: err}
	}
	ans, err := c.do(ctx, request{
		operation: "CreateMessageInteraction",
		path:      req.Path(),
		form:      req.Form(),
		limit:     maxObject,
		before:    before,
		private:   append([]string{req.Body}, req.MediaUrl...),
	})
	if err != nil {
		return nil, err
	}
	created := &Created{RequestID: ans.requestID, Date: ans.date, Retries: ans.retries, Unreadable: ans.bodyErr}
	if created.Unreadable == nil {
		created.Interaction, created.Misfits, created.Unreadable = schema.DecodeMessageInteraction(ans.body)
	}
	if created.Unreadable == nil && created.Interaction == (schema.MessageInteraction{}) && created.Misfits == nil {
		created.Unreadable = errors.New("the answer has none of an interaction's fields")
	}
	if created.Unreadable != nil {
		created.Unreadable = fmt.Errorf("the message was accepted, but the receipt cannot be read: %w", created.Unreadable)
	}
	return created, nil
}

// ListInteractions asks for what was sent in a session.
type ListInteractions struct {
	ServiceSid schema.ServiceSid
	SessionSid schema.SessionSid
	PageSize   int // 1 to 1000; 0 leaves it to Twilio, which says 50
	MaxPages   int // 0 is 20
	// Before, which may be nil, is asked once before each request; its error ends the list.
	Before func(ctx context.Context) error
}

// InteractionPage is one page of a session's interactions.
type InteractionPage struct {
	Interactions []schema.MessageInteraction // as Twilio orders them; ParticipantSid is nil, an Interaction has none
	Date         time.Time                   // the answer's Date header; zero without one
	RequestID    string                      // the header Twilio-Request-Id, or ""
	More         bool                        // a page follows, although it is not fetched when this is the last of MaxPages
}

// ListInteractions reads a session's interactions page by page. The order is
// Twilio's, which does not document one. Every page is a call of its own with
// the client's Timeout. The first error ends the list: *Error for any answer
// that is no 2xx, *NotSentError when Twilio was not reached, another error when
// no answer came, the page could not be read, or the next page is said to be
// anywhere but at the same host and path.
func (c *Client) ListInteractions(ctx context.Context, req ListInteractions) iter.Seq2[*InteractionPage, error] {
	return func(yield func(*InteractionPage, error) bool) {
		path, err := interactionsPath(req.ServiceSid, req.SessionSid)
		if req.PageSize > 0 {
			path += "?PageSize=" + strconv.Itoa(req.PageSize)
		}
		maxPages := req.MaxPages
		if maxPages == 0 {
			maxPages = defaultMaxPages
		}
		for n := 0; err == nil && path != "" && n < maxPages; n++ {
			var page *InteractionPage
			page, path, err = c.interactionPage(ctx, path, req.Before)
			if err == nil && !yield(page, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// interactionPage fetches one page and the path of the next, "" after the last.
func (c *Client) interactionPage(ctx context.Context, path string, before func(context.Context) error) (*InteractionPage, string, error) {
	ans, err := c.readPage(ctx, path, before)
	if err != nil {
		return nil, "", err
	}
	var list struct {
		Interactions []json.RawMessage `json:"interactions"`
		Meta         struct {
			NextPageURL string `json:"next_page_url"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(ans.body, &list); err != nil || list.Interactions == nil {
		return nil, "", errors.New("the page of interactions is not the JSON that it should be")
	}
	page := &InteractionPage{Date: ans.date, RequestID: ans.requestID, More: list.Meta.NextPageURL != ""}
	for _, raw := range list.Interactions {
		interaction, _, err := schema.DecodeMessageInteraction(raw)
		if err != nil {
			return nil, "", fmt.Errorf("an interaction in the list cannot be read: %w", err)
		}
		page.Interactions = append(page.Interactions, interaction)
	}
	next, err := c.nextPath(path, list.Meta.NextPageURL)
	return page, next, err
}

// nextPath makes a path of next, which must be on the same scheme, host and
// path as this page: the credentials go nowhere else.
func (c *Client) nextPath(path, next string) (string, error) {
	if next == "" {
		return "", nil
	}
	here := c.at(path)
	there, err := url.Parse(next)
	if err != nil || there.User != nil || there.Scheme != here.Scheme || there.Host != here.Host || there.EscapedPath() != here.EscapedPath() {
		return "", errors.New("the next page is said to be at another address, which is not followed")
	}
	below, _, _ := strings.Cut(path, "?")
	return below + "?" + there.Query().Encode(), nil
}

// interactionsPath needs no escaping: a SID that parsed is letters and digits.
func interactionsPath(service schema.ServiceSid, session schema.SessionSid) (string, error) {
	if service.IsZero() || session.IsZero() {
		return "", &NotSentError{Err: errors.New("the SID of the service or of the session is missing")}
	}
	return "/v1/Services/" + service.String() + "/Sessions/" + session.String() + "/Interactions", nil
}

// readPage does the GET. Reading changes nothing, so no outcome is unknown: what
// would be for a send is here a plain error, and an unreadable body is one too.
func (c *Client) readPage(ctx context.Context, path string, before func(context.Context) error) (*answer, error) {
	get := request{operation: "ListInteraction", path: path, limit: maxPage}
	if before != nil {
		get.before = func(ctx context.Context, _ int) error { return before(ctx) }
	}
	ans, err := c.do(ctx, get)
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return nil, unknown.Err
	}
	if err == nil && ans.bodyErr != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", ans.bodyErr)
	}
	return ans, err
}

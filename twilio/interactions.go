package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"twilio-proxy-mcp/schema"
)

// How many bytes of an answer are read. The API's objects have one to four
// kilobytes. Twilio documents up to 100 of them a page; PageSize allows 1000.
const (
	maxObject = 1 << 20
	maxPage   = 8 << 20
)

// defaultMaxPages bounds a list that does not seem to end.
const defaultMaxPages = 20

// Created is an accepted message interaction.
type Created struct {
	Interaction schema.MessageInteraction
	Misfits     map[string]json.RawMessage // the fields whose values do not have the documented shape; see Disown
	RequestID   string                     // the Twilio-Request-Id header, or ""
	Date        time.Time                  // the answer's Date header; zero without one, and if nothing shows that it is Twilio's
	Retries     int                        // how many exchanges came before the accepted one

	// Unreadable says why Interaction is empty; nil if it is not. Twilio accepted
	// the message with a 2xx, but the body was cut off, too long, not a JSON object,
	// or the object of something else, such as another message.
	Unreadable error

	// Stray is the SID in the receipt of another message, or "".
	Stray string
}

// Disown makes the receipt unreadable, because these of its fields are another
// message's. Misfits then has them alone, and of data only that it is another.
func (c *Created) Disown(fields ...string) {
	c.Unreadable = errors.New("the message was accepted, but the receipt is another message's: see " + strings.Join(fields, ", "))
	encoded, _ := json.Marshal(c.Interaction) // strings always encode
	var all map[string]json.RawMessage
	_ = json.Unmarshal(encoded, &all)
	maps.Copy(all, c.Misfits)
	all["data"] = json.RawMessage(`"(another text)"`) // nobody else's business
	maps.DeleteFunc(all, func(field string, _ json.RawMessage) bool { return !slices.Contains(fields, field) })
	if c.Interaction.Sid != nil {
		c.Stray = c.Interaction.Sid.String()
	}
	c.Interaction, c.Misfits = schema.MessageInteraction{}, all
}

// CreateMessageInteraction sends a message to a participant
// (POST …/Participants/{ParticipantSid}/MessageInteractions).
//
// before may be nil. It is called immediately before each attempt with the number
// of earlier attempts. If the attempt had to wait for its connection, before is
// called once more with the same number. If before returns an error, the call
// stops with a *NotSentError that wraps it.
//
// A request that is not valid is a *NotSentError too. The other errors are those
// of the package comment.
func (c *Client) CreateMessageInteraction(ctx context.Context, req schema.CreateMessageInteraction, before func(ctx context.Context, tries int) error) (*Created, error) {
	if err := req.Validate(); err != nil {
		return nil, &NotSentError{Err: err}
	}
	ans, err := c.do(ctx, apiCall{
		operation: "CreateMessageInteraction",
		path:      req.Path(),
		form:      req.Form(),
		limit:     maxObject,
		before:    before,
		message:   append([]string{req.Body}, req.MediaUrl...),
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
		if !ans.twilioHeader {
			created.Date = time.Time{} // perhaps another machine's clock
		}
		created.Unreadable = fmt.Errorf("the message was accepted, but the receipt cannot be read: %w", created.Unreadable)
	} else if fields := req.Differing(&created.Interaction, created.Misfits); fields != nil {
		created.Disown(fields...)
	}
	return created, nil
}

// ListInteractions says which session's interactions to list, and how many.
type ListInteractions struct {
	ServiceSid schema.ServiceSid
	SessionSid schema.SessionSid
	PageSize   int // 1 to 1000; 0 means Twilio's default, which is documented as 50. It also documents at most 100 records a page
	MaxPages   int // 0 means 20
	// Before is called once before each request. If it returns an error, the list ends. May be nil.
	Before func(ctx context.Context) error
}

// InteractionPage is one page of a session's interactions.
type InteractionPage struct {
	Interactions []schema.MessageInteraction // the session's, in Twilio's order; ParticipantSid is nil, because an Interaction has none
	Date         time.Time                   // the answer's Date header; zero without one
	RequestID    string                      // the Twilio-Request-Id header, or ""
	More         bool                        // another page follows; if MaxPages is reached, it is not fetched
}

// ListInteractions reads a session's interactions page by page. Twilio documents
// no order. A page may have fewer than PageSize, even none: only a page without a
// link to the next is the last. Every page is a separate call with the client's
// Timeout.
//
// The first error ends the list. It is an *Error for any answer that is not 2xx
// or that no API gave, and a *NotSentError if Twilio was not reached. It is another error if no answer
// came, if the page could not be read, or if the next page is not at the same host
// and path.
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
			page, path, err = c.interactionPage(ctx, path, req)
			if err == nil && !yield(page, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// interactionPage fetches one page and the path of the next, "" after the last. It
// leaves out what says that it is of another service or session.
func (c *Client) interactionPage(ctx context.Context, path string, req ListInteractions) (*InteractionPage, string, error) {
	ans, err := c.readPage(ctx, path, req.Before)
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
		return nil, "", errors.New("the answer is not a page of interactions in JSON")
	}
	whose := schema.CreateMessageInteraction{ServiceSid: req.ServiceSid, SessionSid: req.SessionSid}
	page := &InteractionPage{Date: ans.date, RequestID: ans.requestID, More: list.Meta.NextPageURL != ""}
	for _, raw := range list.Interactions {
		interaction, misfits, err := schema.DecodeMessageInteraction(raw)
		if err != nil {
			return nil, "", fmt.Errorf("an interaction in the list cannot be read: %w", err)
		}
		if whose.Differing(&interaction, misfits) == nil {
			page.Interactions = append(page.Interactions, interaction)
		}
	}
	next, err := c.nextPath(path, list.Meta.NextPageURL)
	return page, next, err
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
		return "", errors.New("the answer's link to the next page leads to another address; it was not followed")
	}
	samePath, _, _ := strings.Cut(path, "?")
	return samePath + "?" + there.Query().Encode(), nil
}

// interactionsPath needs no escaping, because a parsed SID has only letters and
// digits.
func interactionsPath(service schema.ServiceSid, session schema.SessionSid) (string, error) {
	if service.IsZero() || session.IsZero() {
		return "", &NotSentError{Err: errors.New("the SID of the service or of the session is missing")}
	}
	return "/v1/Services/" + service.String() + "/Sessions/" + session.String() + "/Interactions", nil
}

// readPage does the GET. Reading changes nothing, so there is no unknown outcome:
// an *OutcomeUnknownError is unwrapped. An unreadable body is an error too.
func (c *Client) readPage(ctx context.Context, path string, before func(context.Context) error) (*answer, error) {
	get := apiCall{operation: "ListInteraction", path: path, limit: maxPage}
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

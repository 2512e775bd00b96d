package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"twilio-proxy-mcp/schema"
)

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
// The caller has taken the turn of the first attempt (WaitToSend). The client takes
// those of the others, before it calls before.
//
// A request that is not valid is a *NotSentError too. The other errors are those
// of the package comment.
func (c *Client) CreateMessageInteraction(ctx context.Context, req schema.CreateMessageInteraction, before func(ctx context.Context, tries int) error) (*Created, error) {
	if err := req.Validate(); err != nil {
		return nil, &NotSentError{Err: err}
	}
	ans, err := c.do(ctx, apiCall{
		operation: operationSend,
		path:      req.Path(),
		form:      req.Form(),
		limit:     maxObject,
		before:    c.inTurn(operationSend, req.ServiceSid.String(), 0, time.Time{}, before),
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

// An Interaction is a message or call of a Session. Misfits has the fields whose values are not as documented, such as a
// status that Twilio added later.
type Interaction struct {
	schema.MessageInteraction // ParticipantSid is nil, because an Interaction has none
	Misfits                   map[string]json.RawMessage
}

// FetchInteraction reads one Interaction. The error is ErrAnother for an answer about another, and otherwise one of those
// of a list (see Page).
func (c *Client) FetchInteraction(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, sid schema.InteractionSid) (*Interaction, *Head, error) {
	path := pathTo("Services", service.String(), "Sessions", session.String(), "Interactions", sid.String())
	return fetch(ctx, c, interactions("FetchInteraction", service, session, path), func(i *Interaction) bool { return is(sid, i.Sid) })
}

// ListInteractions reads a Session's Interactions; see Page.
func (c *Client) ListInteractions(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, paging Paging) iter.Seq2[*Page[Interaction], error] {
	path := pathTo("Services", service.String(), "Sessions", session.String(), "Interactions")
	return list(ctx, c, interactions("ListInteraction", service, session, path), paging)
}

// interactions also takes one without a SID, because it may be the message that somebody looks for.
func interactions(operation string, service schema.ServiceSid, session schema.SessionSid, path string) source[Interaction] {
	whose := schema.CreateMessageInteraction{ServiceSid: service, SessionSid: session}
	return source[Interaction]{operation: operation, service: service.String(), path: path, key: "interactions",
		read: func(raw []byte) (i Interaction, ours bool, err error) {
			i.MessageInteraction, i.Misfits, err = schema.DecodeMessageInteraction(raw)
			return i, whose.Differing(&i.MessageInteraction, i.Misfits) == nil, err
		}}
}

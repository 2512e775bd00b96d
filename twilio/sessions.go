package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchSession reads the Session with this SID or unique name. That a unique name is taken is not documented; a 404 may
// mean that it is not. The error is ErrAnother for an answer with another name or Service, and otherwise one of
// ListSessions.
func (c *Client) FetchSession(ctx context.Context, service schema.ServiceSid, name string) (*schema.Session, *Head, error) {
	s := &schema.Session{}
	head, err := c.fetch(ctx, "FetchSession", service.String(), pathTo("Services", service.String(), "Sessions", name), func(body []byte) (bool, error) {
		var err error
		*s, _, err = schema.DecodeResource[schema.Session](body)
		return s.Sid != nil && sameName(name, s.Sid.String(), s.UniqueName) && in(service, s.ServiceSid), err
	})
	return s, head, err
}

// ListSessions reads a Service's Sessions.
func (c *Client) ListSessions(ctx context.Context, service schema.ServiceSid, paging Paging) iter.Seq2[*Page[schema.Session], error] {
	return list(ctx, c, listing[schema.Session]{
		operation: "ListSession", service: service.String(), key: "sessions", path: pathTo("Services", service.String(), "Sessions"),
		read: func(raw []byte) (schema.Session, bool, error) {
			s, _, err := schema.DecodeResource[schema.Session](raw)
			return s, s.Sid != nil && in(service, s.ServiceSid), err
		},
	}, paging)
}

// in reports whether a resource does not name another parent.
func in[P schema.Prefix](parent schema.Sid[P], named *schema.Sid[P]) bool {
	return named == nil || schema.SameSid(parent.String(), named.String())
}

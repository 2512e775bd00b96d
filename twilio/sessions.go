package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchSession reads the Session with this SID or unique name. That a unique name is taken is not documented; a 404 may
// mean that it is not. The error is ErrAnother for an answer about another Session, ErrNoPath for a name that no Session
// can have, and otherwise one of those of a list (see Page).
func (c *Client) FetchSession(ctx context.Context, service schema.ServiceSid, name string) (*schema.Session, *Head, error) {
	return fetch(ctx, c, sessions("FetchSession", service, pathTo("Services", service.String(), "Sessions", name)),
		func(s *schema.Session) bool { return isNamed(name, s.Sid, s.UniqueName) })
}

// ListSessions reads a Service's Sessions; see Page.
func (c *Client) ListSessions(ctx context.Context, service schema.ServiceSid, paging Paging) iter.Seq2[*Page[schema.Session], error] {
	return list(ctx, c, sessions("ListSession", service, pathTo("Services", service.String(), "Sessions")), paging)
}

func sessions(operation string, service schema.ServiceSid, path string) source[schema.Session] {
	return source[schema.Session]{operation: operation, service: service.String(), path: path, key: "sessions",
		read: func(raw []byte) (schema.Session, bool, error) {
			s, misfits, err := schema.DecodeResource[schema.Session](raw)
			return s, s.Sid != nil && !schema.IsOther(service, s.ServiceSid, misfits["service_sid"]), err
		}}
}

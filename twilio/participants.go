package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchParticipant reads a Participant, who may be deleted. The error is ErrAnother for an answer about somebody else, and
// otherwise one of ListParticipants.
func (c *Client) FetchParticipant(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, sid schema.ParticipantSid) (*schema.Participant, *Head, error) {
	p := &schema.Participant{}
	path := pathTo("Services", service.String(), "Sessions", session.String(), "Participants", sid.String())
	head, err := c.fetch(ctx, "FetchParticipant", service.String(), path, func(body []byte) (bool, error) {
		var err error
		*p, _, err = schema.DecodeResource[schema.Participant](body)
		return p.Sid != nil && schema.SameSid(p.Sid.String(), sid.String()) && in(service, p.ServiceSid) && in(session, p.SessionSid), err
	})
	return p, head, err
}

// ListParticipants reads a Session's Participants. Deleted ones may be among them.
func (c *Client) ListParticipants(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, paging Paging) iter.Seq2[*Page[schema.Participant], error] {
	return list(ctx, c, listing[schema.Participant]{
		operation: "ListParticipant", service: service.String(), key: "participants",
		path: pathTo("Services", service.String(), "Sessions", session.String(), "Participants"),
		read: func(raw []byte) (schema.Participant, bool, error) {
			p, _, err := schema.DecodeResource[schema.Participant](raw)
			return p, p.Sid != nil && in(service, p.ServiceSid) && in(session, p.SessionSid), err
		},
	}, paging)
}

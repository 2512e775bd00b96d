package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchParticipant reads a Participant, who may be deleted. The error is ErrAnother for an answer about somebody else, and
// otherwise one of those of a list (see Page).
func (c *Client) FetchParticipant(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, sid schema.ParticipantSid) (*schema.Participant, *Head, error) {
	path := pathTo("Services", service.String(), "Sessions", session.String(), "Participants", sid.String())
	return fetch(ctx, c, participants("FetchParticipant", service, session, path), func(p *schema.Participant) bool { return is(sid, p.Sid) })
}

// ListParticipants reads a Session's Participants; see Page. Deleted ones may be among them.
func (c *Client) ListParticipants(ctx context.Context, service schema.ServiceSid, session schema.SessionSid, paging Paging) iter.Seq2[*Page[schema.Participant], error] {
	path := pathTo("Services", service.String(), "Sessions", session.String(), "Participants")
	return list(ctx, c, participants("ListParticipant", service, session, path), paging)
}

func participants(operation string, service schema.ServiceSid, session schema.SessionSid, path string) source[schema.Participant] {
	return source[schema.Participant]{operation: operation, service: service.String(), path: path, key: "participants",
		read: func(raw []byte) (schema.Participant, bool, error) {
			p, misfits, err := schema.DecodeResource[schema.Participant](raw)
			return p, p.Sid != nil && !schema.IsOther(service, p.ServiceSid, misfits["service_sid"]) &&
				!schema.IsOther(session, p.SessionSid, misfits["session_sid"]), err
		}}
}

package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchService reads the Service with this SID or unique name. That a unique name is taken is not documented; a 404 may
// mean that it is not. The error is ErrAnother for an answer about another Service, ErrNoPath for a name that no Service
// can have, and otherwise one of those of a list (see Page).
func (c *Client) FetchService(ctx context.Context, name string) (*schema.Service, *Head, error) {
	return fetch(ctx, c, source[schema.Service]{operation: "FetchService", path: pathTo("Services", name), read: readService},
		func(s *schema.Service) bool { return isNamed(name, s.Sid, s.UniqueName) })
}

// ListServices reads the account's Services; see Page.
func (c *Client) ListServices(ctx context.Context, paging Paging) iter.Seq2[*Page[schema.Service], error] {
	return list(ctx, c, source[schema.Service]{operation: "ListService", path: pathTo("Services"), key: "services", read: readService}, paging)
}

func readService(raw []byte) (s schema.Service, ours bool, err error) {
	s, _, err = schema.DecodeResource[schema.Service](raw)
	return s, s.Sid != nil, err
}

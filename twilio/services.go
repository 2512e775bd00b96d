package twilio

import (
	"context"
	"iter"

	"twilio-proxy-mcp/schema"
)

// FetchService reads the Service with this SID or unique name. That a unique name is taken is not documented; a 404 may
// mean that it is not. The error is ErrAnother for an answer with another name, and otherwise one of ListServices.
func (c *Client) FetchService(ctx context.Context, name string) (*schema.Service, *Head, error) {
	s := &schema.Service{}
	head, err := c.fetch(ctx, "FetchService", "", pathTo("Services", name), func(body []byte) (bool, error) {
		var err error
		*s, _, err = schema.DecodeResource[schema.Service](body)
		return s.Sid != nil && sameName(name, s.Sid.String(), s.UniqueName), err
	})
	return s, head, err
}

// ListServices reads the account's Services.
func (c *Client) ListServices(ctx context.Context, paging Paging) iter.Seq2[*Page[schema.Service], error] {
	return list(ctx, c, listing[schema.Service]{
		operation: "ListService", key: "services", path: pathTo("Services"),
		read: func(raw []byte) (schema.Service, bool, error) {
			s, _, err := schema.DecodeResource[schema.Service](raw)
			return s, s.Sid != nil, err
		},
	}, paging)
}

package serve

import (
	"context"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// streamableSession is what mcp-go's session over Streamable HTTP can do besides asking its client something.
type streamableSession interface {
	server.SessionWithTools
	server.SessionWithResources
	server.SessionWithResourceTemplates
	server.SessionWithLogging
	server.SessionWithClientInfo
	server.SessionWithStreamableHTTPConfig
}

// unasked is a session without server.SessionWithElicitation, SessionWithSampling and SessionWithRoots.
type unasked struct{ streamableSession }

// withoutQuestions takes from a session of revisions before 2026-07-28 the means to send its client a request.
//
// The client's answer comes as another POST, which without sessions nobody can tell to be that client's. mcp-go
// sends the request all the same: the call then hangs until the client gives up, and meanwhile every other client's
// calls are handled with this one's session. A handler gets an error at once instead, such as
// server.ErrElicitationNotSupported. This can go when mcp-go's stateless mode refuses by itself.
// Revision 2026-07-28 has no such requests.
func withoutQuestions(s *server.MCPServer) server.HTTPContextFunc {
	return func(ctx context.Context, r *http.Request) context.Context {
		session, ok := server.ClientSessionFromContext(ctx).(streamableSession)
		if !ok || mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)) {
			return ctx
		}
		return s.WithContext(ctx, unasked{session})
	}
}

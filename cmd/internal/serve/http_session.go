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
	server.SessionWithSubscriptionFilter
}

// ownSession is such a session whose notifications go to the answer's teller. It is without
// server.SessionWithElicitation, SessionWithSampling and SessionWithRoots.
type ownSession struct {
	streamableSession
	answer *teller
}

func (s ownSession) NotificationChannel() chan<- mcp.JSONRPCNotification {
	return s.answer.NotificationChannel()
}

// withOwnSession takes from a session the means to send its client a request, and has what the client is told written
// before its answer.
//
// The client's answer comes as another POST, which without sessions nobody can tell to be that client's. mcp-go
// sends the request all the same: the call then hangs until the client gives up, and meanwhile every other client's
// calls are handled with this one's session. A handler gets an error at once instead, such as
// server.ErrElicitationNotSupported. This can go when mcp-go's stateless mode refuses by itself.
// Revision 2026-07-28 has no such requests.
func withOwnSession(s *server.MCPServer) server.HTTPContextFunc {
	return func(ctx context.Context, _ *http.Request) context.Context {
		session, ok := server.ClientSessionFromContext(ctx).(streamableSession)
		answer, told := ctx.Value(tellerKey{}).(*teller)
		if !ok || !told {
			return ctx
		}
		return s.WithContext(ctx, ownSession{session, answer})
	}
}

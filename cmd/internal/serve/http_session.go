package serve

import (
	"context"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// postSession is the session of one tools/call that was posted to /mcp. What it is told goes to the reply.
type postSession struct {
	*session
	reply *postReply
}

// NotificationChannel is mcp-go's.
func (s postSession) NotificationChannel() chan<- mcp.JSONRPCNotification {
	return s.reply.NotificationChannel()
}

// newPostSession tells its client everything that is logged: without sessions nobody can set a level.
func newPostSession(to *postReply) postSession {
	return postSession{&session{initialized: true, level: mcp.LoggingLevelDebug}, to}
}

// streamableSession is what mcp-go's own session over Streamable HTTP can do, except asking its client something.
type streamableSession interface {
	server.SessionWithTools
	server.SessionWithResources
	server.SessionWithResourceTemplates
	server.SessionWithLogging
	server.SessionWithClientInfo
	server.SessionWithStreamableHTTPConfig
	server.SessionWithSubscriptionFilter
}

// askless is mcp-go's session without the means to ask, and with notifications that go to the reply.
type askless struct {
	streamableSession
	reply *postReply
}

// NotificationChannel is mcp-go's.
func (s askless) NotificationChannel() chan<- mcp.JSONRPCNotification {
	return s.reply.NotificationChannel()
}

// withoutAsking takes from a session of a request that mcp-go answers the means to send its client a request.
//
// The client's answer comes as another POST, and without sessions nobody can tell that it is from that client. mcp-go
// sends the request all the same. The call then hangs until the client gives up, and meanwhile the requests of all other
// clients are handled with this one's session. A handler gets an error at once instead, such as
// server.ErrElicitationNotSupported. This can go when mcp-go's stateless mode refuses by itself.
func withoutAsking(s *server.MCPServer) server.HTTPContextFunc {
	return func(ctx context.Context, _ *http.Request) context.Context {
		session, ok := server.ClientSessionFromContext(ctx).(streamableSession)
		to, told := ctx.Value(replyKey{}).(*postReply)
		if !ok || !told {
			return ctx
		}
		return s.WithContext(ctx, askless{session, to})
	}
}

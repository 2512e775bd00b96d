// Package serve serves an MCP server over stdio and HTTP. It knows nothing of
// what the tools do.
//
// Tools, resources and prompts are registered with mcp-go, and a Server serves
// them:
//
//	mcpServer := server.NewMCPServer("greeter", "1.0.0")
//	mcpServer.AddTool(mcp.NewTool("greet"), greet)
//	s := &serve.Server{MCP: mcpServer, Info: info, Log: log}
//	err := s.Stdio(ctx, os.Stdin, os.Stdout)
//
// Or over HTTP, behind the guards of package guard:
//
//	config := serve.HTTP{Guards: guard.Guards{Tokens: tokens}}
//	listener, err := config.Listen(ctx, "127.0.0.1:8080")
//	err = s.HTTP(ctx, listener, config)
//
// HTTP serves Streamable HTTP on /mcp, and the older HTTP+SSE on /sse and
// /message.
//
// # Who answers what
//
// Every message is read once, strictly: a name that stands twice, or in another
// case, is refused, because mcp-go would read it differently. A tools/call goes
// straight to the handler that is registered for the tool, on every transport,
// every revision and in every round. Everything else goes to mcp-go: the
// handshake, lists, resources, prompts, subscriptions, and calls to tools that do
// not exist. mcp-go's hooks, filters and middleware for tools are not used, and a
// handler gets its arguments as raw JSON. server.ServerFromContext is nil in it.
//
// The direct way exists for speed. Left to mcp-go, one call on stdio was decoded
// eleven times and took 63 µs more; over Streamable HTTP it took 80 µs more. An
// agent that makes one call does not feel that. A server of many agents does: it
// answers twice as many calls on the same processor.
//
// # Sessions
//
// A client over stdio or SSE has a session. A handler can ask its user a question
// there (mcp-go's SessionWithElicitation), on revisions before 2026-07-28. Over
// /mcp there are no sessions, so that any request may reach any replica.
//
// # The end
//
// When its context ends, a Server takes no new calls. Calls that run get
// Server.Grace to finish, and their answers are written. A read that is in
// progress is abandoned.
package serve

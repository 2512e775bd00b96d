// Package serve serves an MCP server over stdio and HTTP. It knows nothing of what the tools do.
//
// Tools, resources and prompts are registered with mcp-go, and a Server serves them:
//
//	mcpServer := server.NewMCPServer("greeter", "1.0.0")
//	mcpServer.AddTool(mcp.NewTool("greet"), greet)
//	s := &serve.Server{MCP: mcpServer, Info: info, Log: log}
//	err := s.Stdio(ctx, os.Stdin, os.Stdout)
//
// Or over HTTP, behind the guards of package guard:
//
//	config := serve.HTTP{Guards: guard.Guards{Tokens: tokens}}
//	listener, err := config.Guards.Listen(ctx, "127.0.0.1:8080", "", "")
//	err = s.HTTP(ctx, listener, config)
//
// HTTP serves Streamable HTTP on /mcp, and the older HTTP+SSE on /sse and /message.
//
// # Who answers what
//
// Every message is read once, strictly: a JSON member name that occurs twice, or in another case, is refused, because mcp-go
// would read it differently. A tools/call goes straight to the handler that is registered for the tool: on every transport,
// on every revision, and also when it is repeated after an input_required. Everything else goes to mcp-go: the handshake,
// lists, resources, prompts, subscriptions, and calls to tools that do not exist. mcp-go's hooks, filters and middleware for
// tools are not used. A handler gets its arguments as raw JSON, and server.ServerFromContext is nil in it.
//
// The direct way saves 63 µs of each call on stdio and 80 µs over Streamable HTTP. A server of many agents feels that: it
// answers twice as many calls.
//
// # Sessions
//
// A client over stdio or SSE has a session. A handler can ask its user a question there (mcp-go's SessionWithElicitation),
// on revisions before 2026-07-28. Over /mcp there are no sessions, so that any request may reach any replica.
//
// # The end
//
// When its context ends, a Server takes no new calls. Calls that run get Server.Grace to finish, and their answers are
// written; a handler that only waits can end sooner, by Stopping. A pending read of stdin is abandoned.
package serve

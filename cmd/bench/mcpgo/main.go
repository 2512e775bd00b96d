// Command mcpgo is the tool as mcp-go alone would serve it: its typed handler,
// its StdioServer or Streamable HTTP server, its validation of arguments and of
// results. It is what the server of this module is compared with.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/bench/post"
	"twilio-proxy-mcp/schema"
)

func main() {
	serveHTTP := flag.Bool("http", false, "serve Streamable HTTP, stateless, instead of stdio")
	workers := flag.Int("workers", 0, "workers on stdio; 0 is mcp-go's default")
	upstream := flag.String("upstream", "", "base URL that messages are posted to")
	flag.Parse()
	if err := run(*serveHTTP, *workers, *upstream); err != nil {
		fmt.Fprintln(os.Stderr, "mcpgo:", err)
		os.Exit(1)
	}
}

type arguments struct {
	ServiceSid, SessionSid, ParticipantSid, Body string
	MediaUrl                                     []string
}

func run(serveHTTP bool, workers int, upstream string) error {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	if err != nil {
		return err
	}
	output, err := schema.Output[schema.MessageInteraction]()
	if err != nil {
		return err
	}
	tool := mcp.NewToolWithRawSchema("send_message_interaction", "Send one message.", input.JSON())
	tool.RawOutputSchema = output.JSON()
	client := post.New(upstream, 1024)
	s := server.NewMCPServer("mcp-go", "1", server.WithInputSchemaValidation(), server.WithOutputSchemaValidation())
	s.AddTool(tool, mcp.NewTypedToolHandler(func(_ context.Context, _ mcp.CallToolRequest, a arguments) (*mcp.CallToolResult, error) {
		answer, err := client.Send(a.Body)
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		var interaction schema.MessageInteraction
		if err := json.Unmarshal(answer, &interaction); err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		return mcp.NewToolResultStructured(interaction, string(answer)), nil
	}))
	if !serveHTTP {
		stdio := server.NewStdioServer(s)
		if workers > 0 {
			server.WithWorkerPoolSize(workers)(stdio)
		}
		return stdio.Listen(context.Background(), os.Stdin, os.Stdout)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/mcp\n", listener.Addr())
	return http.Serve(listener, server.NewStreamableHTTPServer(s, server.WithStateLess(true)))
}

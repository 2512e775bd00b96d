// Command mcpgo serves the tool with mcp-go alone: its typed handler, its validation of arguments and of results, and its
// servers. The server of this module is compared with it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
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
	s := server.NewMCPServer("mcp-go", "1", server.WithInputSchemaValidation(), server.WithOutputSchemaValidation())
	s.AddTool(tool(), handler(post.New(*upstream, 1024)))
	if *serveHTTP {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("http://%s/mcp\n", listener.Addr())
		log.Fatal(http.Serve(listener, server.NewStreamableHTTPServer(s, server.WithStateLess(true))))
	}
	stdio := server.NewStdioServer(s)
	if *workers > 0 {
		server.WithWorkerPoolSize(*workers)(stdio)
	}
	if err := stdio.Listen(context.Background(), os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func tool() mcp.Tool {
	input, inputErr := schema.Input[schema.CreateMessageInteraction]()
	output, outputErr := schema.Output[schema.MessageInteraction]()
	if err := errors.Join(inputErr, outputErr); err != nil {
		log.Fatal(err)
	}
	t := mcp.NewToolWithRawSchema("send_message_interaction", "Send one message.", input.JSON())
	t.RawOutputSchema = output.JSON()
	return t
}

type arguments struct {
	ServiceSid, SessionSid, ParticipantSid, Body string
	MediaUrl                                     []string
}

func handler(client *post.Client) server.ToolHandlerFunc {
	return mcp.NewTypedToolHandler(func(_ context.Context, _ mcp.CallToolRequest, a arguments) (*mcp.CallToolResult, error) {
		answer, err := client.Send(a.Body)
		var interaction schema.MessageInteraction
		if err == nil {
			err = json.Unmarshal(answer, &interaction)
		}
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		return mcp.NewToolResultStructured(interaction, string(answer)), nil
	})
}

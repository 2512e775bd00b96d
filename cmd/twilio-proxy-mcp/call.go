package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/tools"
)

type callCmd struct {
	Tool      string   `arg:"" help:"The tool's name, such as send_message_interaction."`
	Arguments []string `arg:"" optional:"" placeholder:"Name=value" help:"The tool's arguments as Name=value; a list is the same name again."`
	JSON      string   `name:"json" env:"TWILIO_PROXY_MCP_CALL_JSON" placeholder:"OBJECT" help:"The arguments as one JSON object instead; - reads it from stdin."`
	Key       string   `name:"idempotency-key" placeholder:"KEY" help:"Names the intention: a second call with the same key is not a second message."`
}

// Help is what --help adds.
func (*callCmd) Help() string {
	return `For example, on the fake:

    twilio-proxy-mcp call --backend fake send_message_interaction \
      ServiceSid=KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
      SessionSid=KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
      ParticipantSid=KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa Body="some message"

The interaction goes to stdout as JSON, every other word to stderr. The exit status is 0 when the message was sent,
1 when the tool reports an error, 2 for wrong usage.`
}

// Run goes the whole way: a real MCP client, the tool, HTTP to the backend.
func (cmd *callCmd) Run(ctx context.Context, c *Common, s streams) error {
	arguments, err := cmd.arguments(s.in)
	if err != nil {
		return usageError{err}
	}
	c.quiet = true // the result says how it went
	a, err := newApp(ctx, c, s)
	if err != nil {
		return err
	}
	defer a.close()

	caller, err := client.NewInProcessClient(a.mcp)
	if err != nil {
		return err
	}
	defer caller.Close()
	if _, err := caller.Initialize(ctx, mcp.InitializeRequest{Params: mcp.InitializeParams{
		ProtocolVersion: mcp.LATEST_PROTOCOL_VERSION,
		ClientInfo:      mcp.Implementation{Name: "twilio-proxy-mcp call", Version: version()},
	}}); err != nil {
		return err
	}
	if !slices.ContainsFunc(a.tools.Definitions(), func(t mcp.Tool) bool { return t.Name == cmd.Tool }) {
		return usageError{fmt.Errorf("there is no tool %q; run \"twilio-proxy-mcp tools\" to see which there are", cmd.Tool)}
	}
	request := mcp.CallToolRequest{Params: mcp.CallToolParams{Name: cmd.Tool, Arguments: arguments, RawArguments: arguments}}
	if cmd.Key != "" {
		request.Params.Meta = &mcp.Meta{AdditionalFields: map[string]any{tools.MetaIdempotencyKey: cmd.Key}}
	}
	result, err := caller.CallTool(ctx, request)
	if err != nil {
		return err
	}
	return printResult(s, result)
}

// maxArguments is in bytes; chosen, as a message over MCP has this bound.
const maxArguments = 1 << 20

// arguments builds the JSON object. Every value of Name=value is a string,
// except MediaUrl, which is a list by its schema.
func (cmd *callCmd) arguments(in io.Reader) (json.RawMessage, error) {
	if cmd.JSON != "" {
		if len(cmd.Arguments) > 0 {
			return nil, errors.New("give the arguments as Name=value or with --json, not both")
		}
		text := []byte(cmd.JSON)
		if cmd.JSON == "-" {
			var err error
			if text, err = io.ReadAll(io.LimitReader(in, maxArguments+1)); err != nil {
				return nil, fmt.Errorf("stdin: %w", err)
			}
			if len(text) > maxArguments {
				return nil, fmt.Errorf("--json: stdin is longer than %d bytes", maxArguments)
			}
		}
		if text = bytes.TrimSpace(text); !json.Valid(text) || !utf8.Valid(text) {
			return nil, errors.New("--json: that is not valid JSON in UTF-8")
		}
		return text, nil
	}
	object := map[string]any{}
	for _, argument := range cmd.Arguments {
		name, value, ok := strings.Cut(argument, "=")
		if !ok || name == "" {
			return nil, errors.New("an argument is no Name=value, such as Body=hello")
		}
		if _, twice := object[name]; twice && name != "MediaUrl" {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		if name == "MediaUrl" {
			list, _ := object[name].([]string)
			object[name] = append(list, value)
			continue
		}
		object[name] = value
	}
	return json.Marshal(object)
}

// printResult puts the structured content on stdout and every other word on
// stderr.
func printResult(s streams, result *mcp.CallToolResult) error {
	structured := result.RawStructuredContent
	if structured == nil && result.StructuredContent != nil {
		structured, _ = json.Marshal(result.StructuredContent) // it came from JSON
	}
	for _, content := range result.Content {
		text, isText := content.(mcp.TextContent)
		if isText && !(structured != nil && json.Valid([]byte(text.Text))) {
			fmt.Fprintln(s.err, text.Text)
		}
	}
	if structured != nil {
		var indented bytes.Buffer
		if err := json.Indent(&indented, structured, "", "  "); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(s.out, indented.String()); err != nil {
			return fmt.Errorf("the message was sent, and its interaction could not be printed: %w", err)
		}
	}
	if result.IsError {
		return errToolFailed
	}
	return nil
}

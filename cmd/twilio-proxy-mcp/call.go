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

	"github.com/invopop/jsonschema"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/tools"
)

type callCmd struct {
	Tool      string   `arg:"" help:"The tool's name, such as send_message_interaction."`
	Arguments []string `arg:"" optional:"" placeholder:"Name=value" help:"The tool's arguments as Name=value. Repeat the name for a list; numbers and booleans are as in JSON."`
	JSON      string   `name:"json" env:"TWILIO_PROXY_MCP_CALL_JSON" content:"" placeholder:"OBJECT" help:"The arguments as one JSON object instead; - reads it from stdin."`
	Key       *string  `name:"idempotency-key" content:"" placeholder:"KEY" help:"Names the intention. A second call with the same key does not send a second message."`
}

// Help is called by kong for --help.
func (*callCmd) Help() string {
	return `An example, on the fake:

    twilio-proxy-mcp call --backend fake send_message_interaction \
      ServiceSid=KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
      SessionSid=KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
      ParticipantSid=KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa Body="some message"

The tool's result goes to stdout as JSON, everything else to stderr. The exit status is 0 when the tool succeeded,
1 when it reported an error or the command failed, 2 for wrong usage. A message that was sent is a success even if
stdout cannot be written; stderr then has its SID.

The first Ctrl-C (or SIGTERM, or SIGHUP when the terminal closes) keeps back a message that has not left yet. The outcome
of one that has is awaited, and gives the status. A second Ctrl-C or SIGTERM ends the command at once, by that signal.
The message may be out then: unless the ledger is off, the same call again looks for it, and does not send it twice.`
}

// Validate is called by kong. An empty key is a variable of a script that was never set.
func (cmd *callCmd) Validate() error {
	if cmd.Key != nil && *cmd.Key == "" {
		return errors.New("--idempotency-key is empty: give it a value, or leave it out")
	}
	return nil
}

// Run calls the tool through a real MCP client and the real server.
func (cmd *callCmd) Run(ctx context.Context, c *Common, s program) error {
	c.quiet = true // the result tells the person everything
	a, err := newApp(c, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	definitions := a.tools.Definitions()
	i := slices.IndexFunc(definitions, func(t mcp.Tool) bool { return t.Name == cmd.Tool })
	if i < 0 {
		return usageError{fmt.Errorf("there is no tool %q; run \"twilio-proxy-mcp tools\" to see which there are", cmd.Tool)}
	}
	arguments, err := cmd.arguments(ctx, s.in, definitions[i])
	if errors.Is(err, context.Canceled) {
		return errStopped
	}
	if err != nil {
		return usageError{err}
	}
	caller, err := client.NewInProcessClient(a.mcp)
	if err != nil {
		return err
	}
	defer caller.Close()
	if _, err := caller.Initialize(context.WithoutCancel(ctx), mcp.InitializeRequest{Params: mcp.InitializeParams{
		ProtocolVersion: mcp.LATEST_PROTOCOL_VERSION,
		ClientInfo:      mcp.Implementation{Name: "twilio-proxy-mcp call", Version: version()},
	}}); err != nil {
		return err
	}
	request := mcp.CallToolRequest{Params: mcp.CallToolParams{Name: cmd.Tool, Arguments: arguments, RawArguments: arguments}}
	if cmd.Key != nil {
		request.Params.Meta = &mcp.Meta{AdditionalFields: map[string]any{tools.MetaIdempotencyKey: *cmd.Key}}
	}
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintf(s.err, "Stopping. A message that has not left yet is not sent. The outcome of one that has is awaited, for at most %v. "+
			"A second Ctrl-C ends this at once; the message may be out then.\n", c.Deadline)
	})
	result, err := caller.CallTool(ctx, request)
	stop()
	if errors.Is(err, context.Canceled) { // the client calls no tool when its context has ended before
		return errStopped
	}
	if err != nil {
		return err
	}
	return printResult(s, result)
}

// errStopped means that a signal came before the tool was called.
var errStopped = errors.New("stopped by a signal before the tool was called: nothing was sent")

// maxArguments is in bytes. A message over MCP has the same limit.
const maxArguments = 1 << 20

// arguments returns the tool's arguments as a JSON object.
func (cmd *callCmd) arguments(ctx context.Context, in io.Reader, tool mcp.Tool) (json.RawMessage, error) {
	if cmd.JSON != "" {
		if len(cmd.Arguments) > 0 {
			return nil, errors.New("give the arguments as Name=value or with --json, not both")
		}
		return jsonArguments(ctx, cmd.JSON, in)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(tool.RawInputSchema, &schema); err != nil {
		return nil, err
	}
	object := map[string]any{}
	for _, argument := range cmd.Arguments {
		name, value, ok := strings.Cut(argument, "=")
		if !ok || name == "" {
			return nil, errors.New("an argument is not in the form Name=value, such as Body=hello")
		}
		property, known := schema.Properties.Get(name)
		if known && property.Type == "array" {
			list, _ := object[name].([]any)
			object[name] = append(list, parseValue(property.Items, value))
			continue
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		object[name] = parseValue(property, value)
	}
	return json.Marshal(object)
}

// parseValue reads a value by its schema: a string as it is, any other type as JSON. If that fails, the value stays a
// string, and the tool refuses it.
func parseValue(schema *jsonschema.Schema, value string) any {
	if schema == nil || schema.Type == "string" || !json.Valid([]byte(value)) {
		return value
	}
	return json.RawMessage(value)
}

// jsonArguments reads the object from stdin if flag is "-". Reading is given up when ctx ends.
func jsonArguments(ctx context.Context, flag string, in io.Reader) (json.RawMessage, error) {
	text := []byte(flag)
	if flag == "-" {
		var err error
		read := make(chan struct{})
		go func() {
			text, err = io.ReadAll(io.LimitReader(in, maxArguments+1))
			close(read)
		}()
		select {
		case <-read:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("stdin: %w", err)
		}
		if len(text) > maxArguments {
			return nil, fmt.Errorf("--json: stdin is longer than %d bytes", maxArguments)
		}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some programs write a byte order mark first
	if text = bytes.TrimSpace(text); !json.Valid(text) || !utf8.Valid(text) {
		return nil, errors.New("--json: that is not valid JSON in UTF-8")
	}
	if json.Unmarshal(text, new(any)) != nil { // the client could not read it, and would say so with names of Go types
		return nil, errors.New("--json: a number in it is too large")
	}
	return text, nil
}

// printResult prints the result to stdout and all other texts to stderr. The structured content holds the same, with those
// texts once more as the notice. A message that was sent is no error, even if its result cannot be printed: a script that
// goes by the status would send it again.
func printResult(s program, result *mcp.CallToolResult) error {
	var object []byte
	for _, content := range result.Content {
		text, _ := content.(mcp.TextContent)
		if !result.IsError && strings.HasPrefix(text.Text, "{") && json.Valid([]byte(text.Text)) {
			object = []byte(text.Text)
			continue
		}
		fmt.Fprintln(s.err, text.Text)
	}
	if result.IsError {
		return errToolFailed
	}
	var indented bytes.Buffer
	err := json.Indent(&indented, object, "", "  ")
	if err == nil {
		err = s.print(indented.String() + "\n")
	}
	if err == nil {
		return nil
	}
	outcome := outcomeOf(result)
	if outcome.Sent != tools.SentYes {
		return fmt.Errorf("the tool succeeded, and its result could not be printed: %w", err)
	}
	known := ""
	if sid := sidOf(object); sid != "" {
		known += " Its SID is " + sid + "."
	}
	if outcome.LedgerID != "" {
		known += " Its ledger_id is " + outcome.LedgerID + "."
	}
	fmt.Fprintf(s.err, "The message was sent, and its interaction could not be printed: %v.%s Do not send it again.\n", err, known)
	return nil
}

// outcomeOf reads what programs read of a result.
func outcomeOf(result *mcp.CallToolResult) tools.Outcome {
	var meta struct {
		Outcome tools.Outcome `json:"twilio-proxy-mcp/outcome"`
	}
	encoded, _ := json.Marshal(result.Meta) // it came from JSON
	_ = json.Unmarshal(encoded, &meta)
	return meta.Outcome
}

// sidOf is the SID of an interaction, or "".
func sidOf(object []byte) string {
	var interaction struct{ Sid string }
	_ = json.Unmarshal(object, &interaction)
	return interaction.Sid
}

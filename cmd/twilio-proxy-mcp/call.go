package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/tools"
)

type callCmd struct {
	Tool      string     `arg:"" help:"The tool's name, such as find_participant."`
	Arguments []string   `arg:"" optional:"" placeholder:"Name=value" help:"The tool's arguments as Name=value. Repeat the name for a list; numbers and booleans are as in JSON. Or all of them as one JSON object; - reads it from stdin."`
	JSON      jsonSwitch `name:"json" content:"" help:"Print the result as JSON on a terminal, too."`
	Key       *string    `name:"idempotency-key" content:"" placeholder:"KEY" help:"Names the intention. A second call with the same key does not send a second message."`
}

// Help is called by kong for --help.
func (*callCmd) Help() string {
	return `Find whom to text, send, and see what became of it:

    twilio-proxy-mcp call find_participant Session="order 1234" Participant=alice
    twilio-proxy-mcp call send_message_interaction ServiceSid=KS... SessionSid=KC... ParticipantSid=KP... \
      Body="The customer waits at gate B."
    twilio-proxy-mcp call get_interaction ServiceSid=KS... SessionSid=KC... InteractionSid=KI... WaitSeconds=20

--backend fake tries the first two and texts nobody. Each command has a fake of its own then; "twilio-proxy-mcp fake" runs one
that lasts, for the third.

The same with the arguments as one JSON object, and from a file:

    twilio-proxy-mcp call find_participant '{"Session": "order 1234"}'
    twilio-proxy-mcp call find_participant - < arguments.json

The tool's result goes to stdout, everything else to stderr. On a terminal, the result is a table or lines for a person, and
stderr shows that a call is under way; otherwise, and with --json, the result is JSON. The exit status is 0 when the tool
succeeded, 1 when it reported an error or the command failed, 2 for wrong usage. A message that was sent is a success even
if stdout cannot be written; stderr then has its SID.

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
		return a.noTool(cmd.Tool, c, s.tools)
	}
	arguments, err := cmd.arguments(ctx, s.in, definitions[i])
	if errors.Is(err, context.Canceled) {
		return errStopped
	}
	if err != nil {
		return usageError{err}
	}
	result, err := cmd.call(ctx, c, s, a, definitions[i], arguments)
	if errors.Is(err, context.Canceled) { // the client calls no tool when its context has ended before
		return errStopped
	}
	if err != nil {
		return err
	}
	return printResult(s, result, bool(cmd.JSON))
}

// call shows on a terminal that it is under way.
func (cmd *callCmd) call(ctx context.Context, c *Common, s program, a *app, tool mcp.Tool, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	caller, err := client.NewInProcessClient(a.mcp)
	if err != nil {
		return nil, err
	}
	defer caller.Close()
	if err := caller.Start(context.WithoutCancel(ctx)); err != nil { // from now on, it hears notifications
		return nil, err
	}
	if _, err := caller.Initialize(context.WithoutCancel(ctx), mcp.InitializeRequest{Params: mcp.InitializeParams{
		ProtocolVersion: mcp.LATEST_PROTOCOL_VERSION,
		ClientInfo:      mcp.Implementation{Name: "twilio-proxy-mcp call", Version: version()},
	}}); err != nil {
		return nil, err
	}
	meta := &mcp.Meta{AdditionalFields: map[string]any{}}
	if cmd.Key != nil {
		meta.AdditionalFields[tools.MetaIdempotencyKey] = *cmd.Key
	}
	if wait := s.waitFor(cmd.Tool); wait != nil {
		defer wait.stop()
		meta.ProgressToken = progressToken
		caller.OnNotification(wait.hear)
	}
	stopping := fmt.Sprintf("Stopping. A message that has not left yet is not sent. The outcome of one that has is awaited, for at most %v. "+
		"A second Ctrl-C ends this at once; the message may be out then.", c.Deadline)
	if reads := tool.Annotations.ReadOnlyHint; reads != nil && *reads {
		stopping = "Stopping. A second Ctrl-C ends this at once."
	}
	defer context.AfterFunc(ctx, func() { fmt.Fprintln(s.err, stopping) })()
	return caller.CallTool(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: cmd.Tool, Arguments: arguments, RawArguments: arguments, Meta: meta}})
}

// toolName is what may be shown in the place of a tool's name. Anything else may be a message.
var toolName = regexp.MustCompile("^[a-z]{1,20}(_[a-z]{1,20}){1,4}$")

// noTool is the error for a name that no tool has which is on.
func (a *app) noTool(name string, c *Common, sets []toolSet) error {
	const see = `run "twilio-proxy-mcp tools" to see which there are`
	for _, set := range sets {
		var off tools.Tools
		if set.add(a, c, &off) != nil || !hasTool(off.Definitions(), name) {
			continue
		}
		reason := "--tools leaves it out"
		if set.texts && c.ReadOnly {
			reason = "--read-only leaves it out"
		}
		return usageError{fmt.Errorf("the tool %s is off: it is in the set %s, and %s; %s", name, set.name, reason, see)}
	}
	if !toolName.MatchString(name) {
		return usageError{fmt.Errorf("there is no such tool; the tool's name comes first, and its arguments after it: %s; %s", callUsage, see)}
	}
	return usageError{fmt.Errorf("there is no tool %q; %s", name, see)}
}

func hasTool(definitions []mcp.Tool, name string) bool {
	return slices.ContainsFunc(definitions, func(t mcp.Tool) bool { return t.Name == name })
}

// errStopped means that a signal came before the tool was called.
var errStopped = errors.New("stopped by a signal before the tool was called: nothing was sent")

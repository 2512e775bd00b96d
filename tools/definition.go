package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/schema"
)

// A Definition is everything about one tool.
type Definition[In, Out any] struct {
	Name        string // as clients call it, such as "send_message_interaction"
	Title       string // for people, a few words
	Description string // for the model: what it does, when to use it, what to beware of
	Effect      Effect
	Bounds      []schema.Bound // of arguments, as the operator sets them
	// Run answers a call whose arguments fit the schema. Many goroutines may call it at once. ctx ends when the client
	// cancels or goes away, and at the deadline.
	Run func(ctx context.Context, call *Call, in In) (Out, error)
}

// An Effect is what a tool does to the world.
type Effect int

const (
	Reads      Effect = iota + 1 // asks Twilio and changes nothing
	ReadsLocal                   // answers from this process alone
	Texts                        // may send a message to a person
)

// annotations are hints by which hosts decide whether to ask their user before a call (MCP, "ToolAnnotations").
func (e Effect) annotations(title string) mcp.ToolAnnotation {
	return mcp.ToolAnnotation{
		Title:           title,
		ReadOnlyHint:    new(e != Texts),
		DestructiveHint: new(e == Texts),
		IdempotentHint:  new(e != Texts),
		OpenWorldHint:   new(e != ReadsLocal),
	}
}

// afterFault is what a model should do when this server failed.
func (e Effect) afterFault() string {
	if e == Texts {
		return NextByPerson
	}
	return "Tell the user."
}

// notice is in the result of every tool, because several hosts show the model the structured content alone.
var notice = schema.Text{Name: "notice", Description: "What to know about this result. Absent when there is nothing to say."}

// Add adds a tool. In and Out are structs whose tags give the two schemas; see schema.Input and schema.Output. The error
// names what is wrong with the definition.
func Add[In, Out any](t *Tools, d Definition[In, Out]) error {
	if d.Name == "" || d.Run == nil || d.Effect < Reads || d.Effect > Texts {
		return fmt.Errorf("tools: the definition of %q needs a name, an effect and a function", cmp.Or(d.Name, "a tool"))
	}
	if slices.ContainsFunc(t.all, func(other server.ServerTool) bool { return other.Tool.Name == d.Name }) {
		return fmt.Errorf("tools: there are two tools named %s", d.Name)
	}
	input, err := schema.Input[In](d.Bounds...)
	if err != nil {
		return fmt.Errorf("tools: arguments of %s: %w", d.Name, err)
	}
	output, err := schema.Output[Out](notice)
	if err != nil {
		return fmt.Errorf("tools: result of %s: %w", d.Name, err)
	}
	// mcp.NewTool together with a raw schema fails when it is marshalled.
	definition := mcp.NewToolWithRawSchema(d.Name, d.Description, input.JSON())
	definition.Title = d.Title
	definition.RawOutputSchema = output.JSON()
	definition.Annotations = d.Effect.annotations(d.Title)
	adapter := &tool[In, Out]{d, input, t}
	t.all = append(t.all, server.ServerTool{Tool: definition, Handler: adapter.handle})
	return nil
}

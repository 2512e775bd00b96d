// Package tools turns plain Go functions into MCP tools.
//
// A tool is one struct for its arguments, one for its result, and one function:
//
//	type Greet struct {
//		Name string `json:"Name" jsonschema_description:"Who is greeted."`
//	}
//	type Greeting struct {
//		Words string `json:"words"`
//	}
//
//	all := &tools.Tools{}
//	err := tools.Add(all, tools.Definition[Greet, Greeting]{
//		Name:        "greet",
//		Title:       "Greet somebody",
//		Description: "Returns a greeting.",
//		Effect:      tools.ReadsLocal,
//		Run: func(ctx context.Context, call *tools.Call, in Greet) (Greeting, error) {
//			return Greeting{Words: "Hello, " + in.Name}, nil
//		},
//	})
//	all.Register(mcpServer)
//
// Add makes both JSON Schemas from the structs; a field is required unless its json tag has omitempty. The Effect (Reads,
// ReadsLocal or Texts) gives the annotations. Register offers the tools on an mcp-go server.
//
// # What is promised about every tool
//
// Arguments that break the published schema never reach Run. An optional one that is null counts as absent. Whatever happens
// is a tool result and never a protocol error, because hosts hide protocol errors from the model. A panic becomes a result
// with the code internal. Its value is not logged, because it could quote an argument. Each call leaves one log line and one
// Observation.
//
// # Results and errors
//
// A value that Run returns becomes the structured content. An error of type *Failure becomes an error result that says what
// happened, whether a message was sent, and what to do next. Any other error is a fault of this server. Run may fill
// Call.Outcome, which programs read in _meta. Call.Lead puts a text before the result, and Call.Note one after it. Both also
// stand in the structured content as notice, because several hosts show the model nothing else. Call.Progress tells a client
// that asked for it how far a long call is; it may get lost, so nothing may depend on it.
//
// A tool with the effect Texts may send a message to a person. It always says whether that happened; the results of other
// tools do not speak of sending.
//
// # Asking a person
//
// Run may ask the person at the client a question in the middle of a call:
//
//	answer, err := call.Ask(ctx, tools.Question{ID: "ok", Params: form, State: sealed}) // by you
//	if err != nil {
//		return Greeting{}, err
//	}
//
// Over stdio and SSE of the older protocol revisions, Ask sends elicitation/create and waits. On revision 2026-07-28 Ask
// returns an error that makes the result input_required. The client then repeats the call with the answer, Run runs again
// from its beginning, and the same Ask returns the answer. Call.State is then what Question.State was. It may ask only once.
//
// Nobody can be asked when the client did not declare elicitation, or over HTTP of the older revisions, which is stateless
// here. Ask returns ErrCannotAsk at once.
package tools

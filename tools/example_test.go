package tools_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/tools"
)

type Greet struct {
	Name string `json:"Name" jsonschema_description:"Who is greeted."`
}

type Greeting struct {
	Words string `json:"words"`
}

// A tool is one struct for its arguments, one for its result, and one function.
func Example() {
	all := &tools.Tools{}
	err := tools.Add(all, tools.Definition[Greet, Greeting]{
		Name:        "greet",
		Title:       "Greet somebody",
		Description: "Returns a greeting.",
		Effect:      tools.ReadsLocal,
		Run: func(_ context.Context, _ *tools.Call, in Greet) (Greeting, error) {
			if in.Name == "" {
				return Greeting{}, &tools.Failure{
					Outcome:  tools.Outcome{Code: tools.CodeNotAllowed},
					Happened: "Nobody has no name.",
					Next:     "Ask the user for the name.",
				}
			}
			return Greeting{Words: "Hello, " + in.Name}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	mcpServer := server.NewMCPServer("greeter", "1.0.0")
	all.Register(mcpServer)

	for _, arguments := range []string{`{"Name":"Ada"}`, `{"Name":""}`, `{"Nom":"Ada"}`} {
		answer, _ := json.Marshal(mcpServer.HandleMessage(context.Background(), json.RawMessage(
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":`+arguments+`}}`)))
		var result struct {
			Result struct {
				Content []struct{ Text string }
			}
		}
		_ = json.Unmarshal(answer, &result)
		fmt.Println(result.Result.Content[0].Text)
	}
	// Output:
	// {"words":"Hello, Ada"}
	// Nobody has no name. Ask the user for the name.
	// The arguments are not valid:
	// - Name: is missing, and it is required
	// - Nom: is no argument of this tool; valid are Name
	// Correct the arguments and call again.
}

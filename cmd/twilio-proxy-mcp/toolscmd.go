package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/invopop/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"
)

type toolsCmd struct {
	JSON     bool `name:"json" xor:"form" help:"Print the definitions in the form of tools/list."`
	Markdown bool `xor:"form" hidden:"" help:"Print the README's tables."`
}

// Run uses the fake, so that it works with any credentials or none.
func (cmd *toolsCmd) Run(c *Common, s program) error {
	offline := *c
	offline.Backend = "fake"
	a, err := newApp(&offline, s, nil)
	if err != nil {
		return err
	}
	defer a.close()
	switch definitions := a.tools.Definitions(); {
	case cmd.JSON:
		encoded, err := json.MarshalIndent(map[string]any{"tools": definitions}, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, string(encoded))
		return err
	case cmd.Markdown:
		_, err := fmt.Fprint(s.out, toolTable(definitions))
		return err
	default:
		return printTools(s, definitions)
	}
}

func printTools(s program, definitions []mcp.Tool) error {
	for i, tool := range definitions {
		if i > 0 {
			fmt.Fprintln(s.out) // the next write returns its error, too
		}
		if _, err := fmt.Fprintf(s.out, "%s\n  %s\n\n", tool.Name, tool.Description); err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		if err := eachArgument(tool, func(name, required, description string) {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", name, required, description)
		}); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// toolTable is the tables in the README. A test compares them.
func toolTable(definitions []mcp.Tool) string {
	var b strings.Builder
	for i, tool := range definitions {
		if i > 0 {
			b.WriteString("\n") // without it, Markdown sees one table
		}
		fmt.Fprintf(&b, "| `%s` | | %s |\n|---|---|---|\n", tool.Name, tool.Title)
		eachArgument(tool, func(name, required, description string) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, required, description)
		})
	}
	return b.String()
}

// eachArgument visits the arguments in the order of the schema.
func eachArgument(tool mcp.Tool, visit func(name, required, description string)) error {
	var input jsonschema.Schema
	if err := json.Unmarshal(tool.RawInputSchema, &input); err != nil {
		return err
	}
	for pair := input.Properties.Oldest(); pair != nil; pair = pair.Next() {
		required := "optional"
		if slices.Contains(input.Required, pair.Key) {
			required = "required"
		}
		visit(pair.Key, required, pair.Value.Description)
	}
	return nil
}

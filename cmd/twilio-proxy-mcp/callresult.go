package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/tools"
)

// printResult prints the result to stdout, on a terminal for a person unless asJSON is set, and all other texts to stderr. The
// structured content holds the same, with those texts once more as the notice. A message that was sent is no error, even if
// its result cannot be printed: a script that goes by the status would send it again.
func printResult(s program, result *mcp.CallToolResult, asJSON bool) error {
	var object []byte
	for _, content := range result.Content {
		text, _ := content.(mcp.TextContent)
		if !result.IsError && strings.HasPrefix(text.Text, "{") && json.Valid([]byte(text.Text)) {
			object = []byte(text.Text)
			continue
		}
		fmt.Fprintln(s.err, printable(text.Text))
	}
	if result.IsError {
		return errToolFailed
	}
	columns := columnsOf(s.stdout())
	text, err := shown(object, columns, asJSON)
	if columns > 0 && columnsOf(s.err.File()) > 0 {
		s.err.Flush() // on one terminal, the result comes after what was said and shown before
	}
	if err == nil {
		err = s.print(text)
	}
	if err == nil {
		return nil
	}
	outcome := outcomeOf(result)
	if outcome.Sent != tools.SentYes {
		return fmt.Errorf("the tool succeeded, and its result could not be printed: %w", err)
	}
	known := ""
	if sid := printable(sidOf(object)); sid != "" {
		known += " Its SID is " + sid + "."
	}
	if outcome.LedgerID != "" {
		known += " Its ledger_id is " + outcome.LedgerID + "."
	}
	fmt.Fprintf(s.err, "The message was sent, and its interaction could not be printed: %v.%s Do not send it again.\n", err, known)
	return nil
}

// shown is what is printed of a result, on a terminal with so many columns. 0 is for all that is no terminal.
func shown(object []byte, columns int, asJSON bool) (string, error) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, object, "", "  "); err != nil {
		return "", err
	}
	indented.WriteString("\n")
	if columns == 0 {
		return indented.String(), nil
	}
	if text := readable(object, columns); text != "" && !asJSON {
		return text, nil
	}
	return printable(indented.String()), nil
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

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

	"github.com/alecthomas/kong"
	"github.com/invopop/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/cmd/internal/config"
)

// maxArguments is in bytes. A message over MCP has the same limit.
const maxArguments = 1 << 20

// callUsage shows how the arguments are given.
const callUsage = `twilio-proxy-mcp call TOOL Name=value, TOOL '{"Name": "value"}', or TOOL - to read the object from stdin`

// A jsonSwitch is --json, which was once a flag with the arguments. Its errors do not repeat them: they can have a message.
type jsonSwitch bool

// IsBool tells kong that the flag has no value, unless one is given with =.
func (*jsonSwitch) IsBool() bool { return true }

// Decode is called by kong.
func (on *jsonSwitch) Decode(ctx *kong.DecodeContext) error {
	*on = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := ctx.Scan.Pop().String()
	if isObject(text) {
		return errors.New("it is a switch, and has no value; the arguments come after the tool's name: " + callUsage)
	}
	text, err := config.Value(text)
	if err != nil {
		return err
	}
	switch strings.ToLower(text) {
	case "true", "1", "yes":
	case "false", "0", "no":
		*on = false
	default:
		return errors.New("it is a switch: true or false")
	}
	return nil
}

// isObject says whether an argument has all of the tool's arguments, or says that they come from stdin.
func isObject(argument string) bool {
	return argument == "-" || strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(argument, "\ufeff")), "{")
}

// arguments returns the tool's arguments as a JSON object.
func (cmd *callCmd) arguments(ctx context.Context, in io.Reader, tool mcp.Tool) (json.RawMessage, error) {
	if slices.ContainsFunc(cmd.Arguments, isObject) {
		if len(cmd.Arguments) > 1 {
			return nil, errors.New("give the arguments as Name=value or as one JSON object, not both")
		}
		return jsonArguments(ctx, cmd.Arguments[0], in)
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

// jsonArguments reads the object from stdin if argument is "-". Reading is given up when ctx ends.
func jsonArguments(ctx context.Context, argument string, in io.Reader) (json.RawMessage, error) {
	text := []byte(argument)
	if argument == "-" {
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
			return nil, fmt.Errorf("stdin is longer than %d bytes", maxArguments)
		}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some programs write a byte order mark first
	if text = bytes.TrimSpace(text); !json.Valid(text) || !utf8.Valid(text) {
		return nil, errors.New("the arguments: that is not valid JSON in UTF-8")
	}
	if json.Unmarshal(text, new(any)) != nil { // the client could not read it, and would say so with names of Go types
		return nil, errors.New("the arguments: a number in the JSON object is too large")
	}
	return text, nil
}

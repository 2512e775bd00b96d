package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	reflected "github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// A Document is a JSON Schema that is published and, by the same bytes,
// enforced. Make one with Input or Output; it is safe for concurrent use.
type Document struct {
	json     json.RawMessage
	fields   []string
	compiled func() (*validator.Schema, error)
	rules    []rule
}

// A rule says what JSON Schema cannot, or what a model provider would refuse
// to read at the root of a schema. It gets the top-level object, whose fields
// may still be of a wrong type, and returns one sentence a problem.
type rule func(object map[string]any) []string

// JSON returns the schema itself: plain JSON Schema 2020-12 without $ref,
// without `nullable` and without boolean sub-schemas other than
// additionalProperties, as some hosts refuse a server over one.
func (d *Document) JSON() json.RawMessage { return d.json }

// Fields returns the names of the top-level properties, in order.
func (d *Document) Fields() []string { return d.fields }

// Input returns the schema of the operation's path and body parameters, from
// the tags of CreateMessageInteraction, with its rule "Body or MediaUrl"
// (x-twilio.conditional in Twilio's OpenAPI description).
func Input() (*Document, error) {
	return document(reflector(false).Reflect(CreateMessageInteraction{}), bodyOrMediaURL, mediaOverHTTP)
}

// Output returns the schema of what the tool answers: the 20 fields of
// MessageInteraction, each nullable. String formats (uri, date-time) are left
// out on purpose: validators disagree about them, and a client that rejects
// the receipt of a message that went out makes its model send again.
func Output() (*Document, error) {
	root := reflector(true).Reflect(MessageInteraction{})
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		makeNullable(pair.Value)
	}
	root.Required = nil // Twilio's description requires none of them
	return document(root)
}

func reflector(additional bool) *reflected.Reflector {
	return &reflected.Reflector{
		Anonymous:                 true,
		DoNotReference:            true,
		ExpandedStruct:            true,
		AllowAdditionalProperties: additional,
	}
}

// makeNullable spells "or null" the way JSON Schema does. invopop's Schema has
// one type only, so the pair goes through its Extras.
func makeNullable(s *reflected.Schema) {
	s.Extras = map[string]any{"type": []string{s.Type, "null"}}
	s.Type = ""
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
}

// document compiles at the first need. A server checks no answer, and few
// arguments need the validator (see decodeText): compiling both schemas was a
// fifth of the time from its start to the list of its tools.
func document(root *reflected.Schema, rules ...rule) (*Document, error) {
	root.Version = "" // 2020-12 is MCP's default dialect, and hosts differ in whether they like $schema
	text, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("schema: encode: %w", err)
	}
	d := &Document{json: text, rules: rules}
	d.compiled = sync.OnceValues(func() (*validator.Schema, error) { return compile(text) })
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		d.fields = append(d.fields, pair.Key)
	}
	return d, nil
}

func compile(text []byte) (*validator.Schema, error) {
	parsed, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("schema: read back: %w", err)
	}
	compiler := validator.NewCompiler()
	compiler.AssertFormat()
	compiler.UseRegexpEngine(compilePattern)
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return compiled, nil
}

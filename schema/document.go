package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	reflected "github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// A Document is a JSON Schema. The same bytes are published and enforced. Make one
// with Input or Output. It is safe for concurrent use.
type Document struct {
	json     json.RawMessage
	fields   []string
	exact    map[string]bool // top-level properties with only one allowed length
	compiled func() (*validator.Schema, error)
	rules    []Rule
}

// A Rule checks what JSON Schema cannot express, or what model providers reject at
// the root of a schema. It gets the top-level object and returns one sentence per
// problem. The fields of the object may have wrong types.
type Rule func(object map[string]any) []string

// JSON returns the schema in JSON Schema 2020-12. It has no $ref, no `nullable` and
// no boolean sub-schema except additionalProperties: some hosts reject a server
// with one of those.
func (d *Document) JSON() json.RawMessage { return d.json }

// Fields returns the names of the top-level properties, in order.
func (d *Document) Fields() []string { return d.fields }

// Ruled is implemented by arguments that have rules in addition to their schema.
type Ruled interface{ Rules() []Rule }

// Input returns the schema of a tool's arguments, from the tags of the struct
// In. Properties that In does not have are not allowed. When In implements Ruled, Check
// applies its rules too.
func Input[In any]() (*Document, error) {
	var rules []Rule
	if ruled, ok := any(*new(In)).(Ruled); ok {
		rules = ruled.Rules()
	}
	return document(reflector(false).Reflect(*new(In)), rules...)
}

// Text is an optional property of a result that its struct does not have.
type Text struct{ Name, Description string }

// Output returns the schema of a tool's result, from the tags of the struct
// Out, with the texts after its fields. A pointer field may be null or missing. Properties that Out does not have
// are allowed. String formats (uri, date-time) are deliberately left out, because
// validators disagree about them. If a client rejects the receipt of a sent
// message, its model sends the message again.
func Output[Out any](texts ...Text) (*Document, error) {
	root := reflector(true).Reflect(*new(Out))
	of := reflect.TypeFor[Out]()
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if property, ok := root.Properties.Get(name); ok && field.Type.Kind() == reflect.Pointer {
			makeNullable(property)
			root.Required = slices.DeleteFunc(root.Required, func(required string) bool { return required == name })
		}
	}
	if len(root.Required) == 0 {
		root.Required = nil
	}
	for _, text := range texts {
		if _, taken := root.Properties.Set(text.Name, &reflected.Schema{Type: "string", Description: text.Description}); taken {
			return nil, fmt.Errorf("schema: %s has a field %s of its own", of, text.Name)
		}
	}
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

// makeNullable allows null. invopop's Schema has room for only one type, so the
// two types go into its Extras.
func makeNullable(s *reflected.Schema) {
	s.Extras = map[string]any{"type": []string{s.Type, "null"}}
	s.Type = ""
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
}

// document makes a Document that compiles its schema on first use. Most calls never
// need the validator (see Decode). Compiling both schemas took a fifth of the time
// from the start of a server to the list of its tools.
func document(root *reflected.Schema, rules ...Rule) (*Document, error) {
	root.Version = "" // no $schema: some hosts reject it, and 2020-12 is MCP's default
	text, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("schema: encode: %w", err)
	}
	d := &Document{json: text, rules: rules, exact: map[string]bool{}}
	d.compiled = sync.OnceValues(func() (*validator.Schema, error) { return compile(text) })
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		d.fields = append(d.fields, pair.Key)
		shortest, longest := pair.Value.MinLength, pair.Value.MaxLength
		d.exact[pair.Key] = shortest != nil && longest != nil && *shortest == *longest
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

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

// A Document is a JSON Schema. The bytes that are published are the bytes that
// are enforced. Make one with Input or Output. It is safe for concurrent use.
type Document struct {
	json     json.RawMessage
	fields   []string
	exact    map[string]bool // top-level properties whose least length is their greatest
	compiled func() (*validator.Schema, error)
	rules    []Rule
}

// A Rule says what JSON Schema cannot, or what model providers refuse to read at
// the root of a schema. It gets the top-level object and returns one sentence
// for each problem. The fields of the object may still have a wrong type.
type Rule func(object map[string]any) []string

// JSON returns the schema itself: plain JSON Schema 2020-12 without $ref,
// without `nullable` and without boolean sub-schemas other than
// additionalProperties, as some hosts refuse a server over one.
func (d *Document) JSON() json.RawMessage { return d.json }

// Fields returns the names of the top-level properties, in order.
func (d *Document) Fields() []string { return d.fields }

// Ruled is a request that has rules beside its JSON Schema.
type Ruled interface{ Rules() []Rule }

// Input returns the schema of a tool's arguments, from the tags of the struct
// In. Properties that In does not have are not allowed. When In is Ruled, Check
// applies its rules too.
func Input[In any]() (*Document, error) {
	var rules []Rule
	if ruled, ok := any(*new(In)).(Ruled); ok {
		rules = ruled.Rules()
	}
	return document(reflector(false).Reflect(*new(In)), rules...)
}

// Output returns the schema of a tool's result, from the tags of the struct
// Out. A field that is a pointer may be null or missing. Properties that Out
// does not have are allowed. String formats (uri, date-time) are left out on
// purpose: validators disagree about them, and a client that rejects the
// receipt of a message that went out makes its model send again.
func Output[Out any]() (*Document, error) {
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

// document compiles the schema when it is first needed. Most calls never need
// the validator (see Decode), and compiling both schemas took a fifth of the
// time from the start of a server to the list of its tools.
func document(root *reflected.Schema, rules ...Rule) (*Document, error) {
	root.Version = "" // 2020-12 is MCP's default dialect, and hosts differ in whether they like $schema
	text, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("schema: encode: %w", err)
	}
	d := &Document{json: text, rules: rules, exact: map[string]bool{}}
	d.compiled = sync.OnceValues(func() (*validator.Schema, error) { return compile(text) })
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		d.fields = append(d.fields, pair.Key)
		least, most := pair.Value.MinLength, pair.Value.MaxLength
		d.exact[pair.Key] = least != nil && most != nil && *least == *most
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

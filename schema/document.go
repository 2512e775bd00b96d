package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
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
	json      json.RawMessage
	fields    []string
	exact     map[string]bool // top-level properties with only one allowed length
	compiled  func() (*validator.Schema, error)
	rules     []Rule
	arguments *reflected.Schema // nil in the schema of a result
	plainSize int               // bytes; arguments no longer than this are within every Bound
	maxItems  map[*reflected.Schema]int
	largeOne  sync.Mutex // held while large arguments are checked
}

// A Rule checks what JSON Schema cannot express, or what model providers reject at
// the root of a schema. It gets the top-level object and returns one sentence per
// problem. The fields of the object may have wrong types.
type Rule func(object map[string]any) []string

// JSON returns the schema in JSON Schema 2020-12. It has no $ref, no `nullable`, no
// format and no boolean sub-schema except additionalProperties: some hosts reject a
// server with one of those. OpenAI and Gemini refuse every request with a tool that
// has the format uri, and validators disagree about what a format is.
func (d *Document) JSON() json.RawMessage { return d.json }

// Fields returns the names of the top-level properties, in order.
func (d *Document) Fields() []string { return d.fields }

// Ruled is implemented by arguments that have rules in addition to their schema.
type Ruled interface{ Rules() []Rule }

// A Bound is the longest text that the operator allows for an argument.
type Bound struct {
	Argument  string // its name; it must be a string
	MaxLength int    // in characters (Unicode code points); 0 or less is no bound
}

// Input returns the schema of a tool's arguments, from the tags of the struct
// In and from bounds. Properties that In does not have are not allowed. When In
// implements Ruled, Check applies its rules too. A maxItems is enforced and said in
// the description, but not published as a keyword. The error may be a bound of an
// argument that is no string or does not exist.
func Input[In any](bounds ...Bound) (*Document, error) {
	var rules []Rule
	if ruled, ok := any(*new(In)).(Ruled); ok {
		rules = ruled.Rules()
	}
	root := reflector(false).Reflect(*new(In))
	shortest := math.MaxInt // no string has more characters than the JSON around it has bytes
	for _, b := range bounds {
		if b.MaxLength <= 0 {
			continue
		}
		if err := b.apply(root); err != nil {
			return nil, err
		}
		shortest = min(shortest, b.MaxLength)
	}
	maxItems := map[*reflected.Schema]int{}
	unpublishMaxItems(root, maxItems)
	d, err := document(root, rules...)
	if err == nil {
		d.arguments, d.plainSize, d.maxItems = root, shortest, maxItems
	}
	return d, err
}

// apply also tells the bound in the description. Some hosts show a model no
// maxLength (Codex's sanitizer, Anthropic's transformer for strict tools).
func (b Bound) apply(root *reflected.Schema) error {
	property, known := root.Properties.Get(b.Argument)
	if !known || property.Type != "string" {
		return fmt.Errorf("schema: there is a bound for %q, which is no string argument", b.Argument)
	}
	longest := uint64(b.MaxLength)
	property.MaxLength = &longest
	property.Description = strings.TrimSpace(fmt.Sprintf("%s At most %d characters.", property.Description, b.MaxLength))
	return nil
}

// unpublishMaxItems takes the keyword maxItems out of a schema and into bounds, and says it in the description: some
// providers do not take it.
func unpublishMaxItems(s *reflected.Schema, bounds map[*reflected.Schema]int) {
	if s == nil {
		return
	}
	if s.MaxItems != nil {
		bounds[s] = int(*s.MaxItems)
		s.Description = strings.TrimSpace(fmt.Sprintf("%s %d at most.", s.Description, *s.MaxItems))
		s.MaxItems = nil
	}
	unpublishMaxItems(s.Items, bounds)
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		unpublishMaxItems(pair.Value, bounds)
	}
}

// Text is an optional property of a result that its struct does not have.
type Text struct{ Name, Description string }

// Output returns the schema of a tool's result, from the tags of the struct
// Out, with the texts after its fields. A pointer field may be null or missing.
// Properties that Out does not have are allowed. If a client rejects the receipt of
// a sent message, its model sends the message again.
func Output[Out any](texts ...Text) (*Document, error) {
	of := reflect.TypeFor[Out]()
	if of.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema: %s must be a struct", of)
	}
	root := reflector(true).Reflect(*new(Out))
	if root.Properties == nil {
		return nil, fmt.Errorf("schema: %s has another schema of its own, and must be a struct without one", of)
	}
	pointersMayBeNull(root, of)
	for _, text := range texts {
		if _, taken := root.Properties.Set(text.Name, &reflected.Schema{Type: "string", Description: text.Description}); taken {
			return nil, fmt.Errorf("schema: %s has a field %s of its own", of, text.Name)
		}
	}
	return document(root)
}

// pointersMayBeNull lets the pointers in a type be null, at any depth, and those
// that are fields be missing.
func pointersMayBeNull(s *reflected.Schema, of reflect.Type) {
	switch of.Kind() {
	case reflect.Pointer:
		pointersMayBeNull(s, of.Elem())
		makeNullable(s)
	case reflect.Slice, reflect.Array:
		if s.Items != nil {
			pointersMayBeNull(s.Items, of.Elem())
		}
	case reflect.Map:
		if s.AdditionalProperties != nil {
			pointersMayBeNull(s.AdditionalProperties, of.Elem())
		}
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(of) { // those of an embedded struct are among them
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			name = cmp.Or(name, field.Name)
			property, known := property(s, name)
			if !known {
				continue
			}
			pointersMayBeNull(property, field.Type)
			if field.Type.Kind() == reflect.Pointer {
				s.Required = slices.DeleteFunc(s.Required, func(required string) bool { return required == name })
			}
		}
		if len(s.Required) == 0 {
			s.Required = nil
		}
	}
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

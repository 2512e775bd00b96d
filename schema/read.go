package schema

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	reflected "github.com/invopop/jsonschema"
)

const (
	// maxDepth limits how deep arguments may nest. The operation's own arguments nest two deep. An honest mistake stays
	// below the limit and gets an error of the schema, which helps more than this one.
	maxDepth = 32

	// maxValues is how many values of arguments are kept. A value that takes two bytes of JSON takes fifty in memory.
	maxValues = 1000

	// large arguments, in bytes, are checked one after the other: to see a name that is given twice, all names of an
	// object are kept meanwhile.
	large = 64 << 10
)

var errTooMany = fmt.Errorf("arguments: have more than %d values", maxValues)

// A reading is JSON as far as it matters to a check: what stands where the schema has nothing of its kind is passed over,
// and so is what is beyond the bounds. So a check takes memory for what the schema has, however much there is.
type reading struct {
	d        *Document
	value    any
	values   int // kept
	unknown  int // names that the schema does not have; the first maxProblems are kept
	problems Problems
}

// read returns what the raw JSON of arguments, or of a result, holds.
func (d *Document) read(raw []byte) (*reading, error) {
	r := &reading{d: d, value: map[string]any{}}
	if len(raw) == 0 {
		return r, nil
	}
	if tooDeep(raw) {
		return nil, fmt.Errorf("arguments: nest more than %d deep", maxDepth)
	}
	err := json.Unmarshal(raw, r)
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return nil, fmt.Errorf("%s: is given more than once; give it once", pointerName(syntax.JSONPointer))
		}
		if strings.Contains(syntax.Err.Error(), "UTF-8") {
			return nil, fmt.Errorf("%s: is not valid UTF-8", pointerName(syntax.JSONPointer))
		}
		return nil, fmt.Errorf("arguments: are not valid JSON at byte %d", syntax.ByteOffset)
	}
	if errors.Is(err, errTooMany) {
		return nil, errTooMany
	}
	if err != nil {
		return nil, errors.New("arguments: cannot be read as JSON")
	}
	return r, nil
}

// UnmarshalJSONFrom is the JSON package's.
func (r *reading) UnmarshalJSONFrom(in *jsontext.Decoder) (err error) {
	r.value, err = r.next(in, r.d.arguments)
	return err
}

// next reads one value. A nil schema takes any.
func (r *reading) next(in *jsontext.Decoder, s *reflected.Schema) (any, error) {
	if r.values++; r.d.arguments != nil && r.values > maxValues {
		return nil, errTooMany
	}
	switch kind := in.PeekKind(); {
	case kind == '{' && takes(s, "object"):
		return r.object(in, s)
	case kind == '{':
		return map[string]any{}, in.SkipValue()
	case kind == '[' && takes(s, "array"):
		return r.array(in, s)
	case kind == '[':
		return []any{}, in.SkipValue()
	}
	token, err := in.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil
	case '"':
		return token.String(), nil
	case '0':
		// A huge number is an error of the schema, if any, and not of the parser.
		float, _ := token.Float() // an error means out of range, and float is then infinite
		return max(-math.MaxFloat64, min(float, math.MaxFloat64)), nil
	default:
		return token.Bool(), nil
	}
}

func takes(s *reflected.Schema, kind string) bool { return s == nil || s.Type == "" || s.Type == kind }

// object leaves out optional members that are null, at any depth. For strict tools OpenAI wants every member to be
// required. So hosts that convert a schema make the optional ones nullable, and their models send null for what they
// leave out.
func (r *reading) object(in *jsontext.Decoder, s *reflected.Schema) (any, error) {
	root := in.StackDepth() == 0
	object := map[string]any{}
	if _, err := in.ReadToken(); err != nil {
		return nil, err
	}
	for in.PeekKind() != '}' {
		token, err := in.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		member, known := memberOf(s, name)
		if !known {
			if err := in.SkipValue(); err != nil {
				return nil, err
			}
			if root && hostArguments[name] != "" {
				continue
			}
			if r.unknown++; r.unknown <= maxProblems {
				object[name] = nil
			}
			continue
		}
		value, err := r.next(in, member)
		if err != nil {
			return nil, err
		}
		if value != nil || !optional(s, name) {
			object[name] = value
		}
	}
	_, err := in.ReadToken()
	return object, err
}

// array keeps as many items as the schema allows. The validator could not tell how many there were.
func (r *reading) array(in *jsontext.Decoder, s *reflected.Schema) (any, error) {
	array, count := []any{}, 0
	var items *reflected.Schema
	most := math.MaxInt
	if s != nil {
		items = s.Items
		if bound, bounded := r.d.maxItems[s]; bounded {
			most = bound
		}
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, err
	}
	for ; in.PeekKind() != ']'; count++ {
		if count >= most {
			if err := in.SkipValue(); err != nil {
				return nil, err
			}
			continue
		}
		item, err := r.next(in, items)
		if err != nil {
			return nil, err
		}
		array = append(array, item)
	}
	_, err := in.ReadToken()
	if err == nil && count > most {
		at := location(slices.Collect(in.StackPointer().Tokens()))
		r.problems = append(r.problems, fmt.Sprintf("%s: has %d items, must have at most %d", at, count, most))
	}
	return array, err
}

// memberOf is the schema of an object's member; false when the object may not have one of that name.
func memberOf(s *reflected.Schema, name string) (*reflected.Schema, bool) {
	if s == nil {
		return nil, true
	}
	if member, known := property(s, name); known {
		return member, true
	}
	return s.AdditionalProperties, s.AdditionalProperties != reflected.FalseSchema
}

func optional(s *reflected.Schema, name string) bool {
	if s == nil {
		return false
	}
	_, declared := property(s, name)
	return declared && !slices.Contains(s.Required, name)
}

func property(s *reflected.Schema, name string) (*reflected.Schema, bool) {
	if s.Properties == nil {
		return nil, false
	}
	return s.Properties.Get(name)
}

// tooDeep counts brackets outside strings. On invalid JSON it may be wrong; the
// parser that follows finds the fault.
func tooDeep(raw []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

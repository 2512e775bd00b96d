package schema

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxDepth limits how deep arguments may nest. The operation's own arguments
// nest two deep. An honest mistake stays below the limit and gets an error of
// the schema, which helps more than this one.
const maxDepth = 32

// maxProblems is how many problems are named; the rest are counted. No honest
// mistake has more. Without a limit, one megabyte of unknown names would get an
// answer of eight.
const maxProblems = 20

// Problems are what Check found, one sentence each, such as "Body: is null, must
// be string". A sentence shows at most the length and the first two characters of
// a value, because the value may be a person's number or words.
type Problems []string

// Error returns the sentences, one a line.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// Check compares raw JSON with the schema and its rules. It returns nil, or a
// Problems with everything that is wrong. When the JSON itself is wrong (syntax,
// UTF-8, a name given twice, nesting beyond 32), that is the only problem.
// Absent arguments (no bytes) are an empty object, as in MCP. In the schema of
// arguments, an optional one that is null counts as absent, and arguments that
// hosts add for themselves are ignored.
func (d *Document) Check(raw []byte) error {
	value, err := parse(raw)
	if err != nil {
		return Problems{err.Error()}
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return Problems{fmt.Sprintf("arguments: are %s, must be an object with the fields %s", jsonType(value), strings.Join(d.fields, ", "))}
	}
	if d.arguments != nil {
		dropHostArguments(d.arguments, object)
		dropNulls(d.arguments, object)
	}
	problems := d.schemaProblems(object)
	for _, rule := range d.rules {
		problems = append(problems, rule(object)...)
	}
	if len(problems) == 0 {
		return nil
	}
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems], fmt.Sprintf("arguments: have %d more problems like these", more))
	}
	return problems
}

func parse(raw []byte) (any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	if tooDeep(raw) {
		return nil, fmt.Errorf("arguments: nest more than %d deep", maxDepth)
	}
	var value any
	err := json.Unmarshal(raw, &value, anyNumber)
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return nil, fmt.Errorf("%s: is given more than once; give it once", pointerName(syntax.JSONPointer))
		}
		if strings.Contains(syntax.Error(), "UTF-8") {
			return nil, fmt.Errorf("%s: is not valid UTF-8", pointerName(syntax.JSONPointer))
		}
		return nil, fmt.Errorf("arguments: are not valid JSON at byte %d", syntax.ByteOffset)
	}
	if err != nil {
		return nil, errors.New("arguments: cannot be read as JSON")
	}
	return value, nil
}

// anyNumber reads a number beyond the range of float64 as the largest float64.
// Otherwise a huge number would be an error of the parser instead of the schema.
var anyNumber = json.WithUnmarshalers(json.UnmarshalFromFunc(func(in *jsontext.Decoder, value *any) error {
	if in.PeekKind() != '0' {
		return errors.ErrUnsupported // use the default decoding
	}
	number, err := in.ReadToken()
	if err == nil {
		float, _ := number.Float() // an error means out of range, and float is then infinite
		*value = max(-math.MaxFloat64, min(float, math.MaxFloat64))
	}
	return err
}))

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

func (d *Document) schemaProblems(object map[string]any) Problems {
	compiled, err := d.compiled()
	if err != nil {
		return Problems{"arguments: cannot be checked, as the schema does not compile"}
	}
	err = compiled.Validate(object)
	if err == nil {
		return nil
	}
	var problems Problems
	invalid, ok := errors.AsType[*validator.ValidationError](err)
	if !ok {
		return Problems{"arguments: do not satisfy the schema"}
	}
	walk(invalid, func(leaf *validator.ValidationError) {
		problems = append(problems, d.sentences(leaf)...)
	})
	slices.Sort(problems) // the validator's order is random
	return slices.Compact(problems)
}

func walk(e *validator.ValidationError, visit func(*validator.ValidationError)) {
	if len(e.Causes) == 0 {
		visit(e)
	}
	for _, cause := range e.Causes {
		walk(cause, visit)
	}
}

// sentences describes one broken keyword of the schema. There is a case for every
// keyword in the published schemas. The default case is for future ones.
func (d *Document) sentences(e *validator.ValidationError) []string {
	at := location(e.InstanceLocation)
	say := func(format string, args ...any) []string {
		return []string{at + ": " + fmt.Sprintf(format, args...)}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, func(name string) string { return name + ": is missing, and it is required" })
	case *kind.AdditionalProperties:
		return each(k.Properties, func(name string) string {
			return fmt.Sprintf("%s: is no argument of this tool; valid are %s", quoteName(name), strings.Join(d.fields, ", "))
		})
	case *kind.Type:
		return say("is %s, must be %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.MinLength:
		return say("has %d characters, must have %s %d", k.Got, d.bound(e, "at least"), k.Want)
	case *kind.MaxLength:
		return say("has %d characters, must have %s %d", k.Got, d.bound(e, "at most"), k.Want)
	case *kind.MinItems:
		return say("has %d items, must have at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return say("has %d items, must have at most %d", k.Got, k.Want)
	case *kind.Minimum:
		return say("must be at least %s", k.Want.RatString())
	case *kind.Maximum:
		return say("must be at most %s", k.Want.RatString())
	case *kind.Pattern:
		if k.Want == webURL {
			return say(notWebURL)
		}
		return say("begins with %q, must match %s%s", firstTwo(k.Got), k.Want, oddByPattern(k.Want, k.Got))
	case *kind.Enum:
		return say("must be one of %s", strings.Trim(fmt.Sprint(k.Want), "[]"))
	default:
		return say("breaks the rule %q of the schema", strings.Join(e.ErrorKind.KeywordPath(), "/"))
	}
}

// bound says "exactly" for a length with only one allowed value, as a SID has, and
// oneSide for other lengths.
func (d *Document) bound(e *validator.ValidationError, oneSide string) string {
	if len(e.InstanceLocation) == 1 && d.exact[e.InstanceLocation[0]] {
		return "exactly"
	}
	return oneSide
}

func each(names []string, sentence func(string) string) []string {
	var out []string
	for _, name := range names {
		out = append(out, sentence(name))
	}
	return out
}

func location(path []string) string {
	if len(path) == 0 {
		return "arguments"
	}
	at := path[0]
	for _, index := range path[1:] {
		at += "[" + index + "]"
	}
	return at
}

// pointerName is the first name in a JSON pointer: the argument.
func pointerName(pointer jsontext.Pointer) string {
	for name := range pointer.Tokens() {
		return quoteName(name)
	}
	return "arguments"
}

// quoteName shows a name that a caller sent. If it could be a name in a schema,
// it is shown as it is; otherwise it is quoted and cut to 40 characters.
func quoteName(name string) string {
	plain := !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '_')
	})
	if plain && 0 < len(name) && len(name) <= 40 {
		return name
	}
	if runes := []rune(name); len(runes) > 40 {
		name = string(runes[:40]) + "..."
	}
	return fmt.Sprintf("%q", name)
}

func firstTwo(s string) string {
	runes := []rune(s)
	return string(runes[:min(2, len(runes))])
}

func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case float64:
		return "a number"
	default:
		return "an array"
	}
}

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

// maxDepth bounds how deep arguments may nest; chosen: the operation's own
// nest two deep, and a schema error is more use than a parser's.
const maxDepth = 32

// maxProblems are named, and the rest are counted; chosen: more than any honest
// mistake has, while a megabyte of unknown names would be answered with eight.
const maxProblems = 20

// Problems is what Check found: one sentence each, "field: rule and what
// came". No sentence repeats more of a value than its length or its first two
// characters, as values may be a person's number or words.
type Problems []string

// Error returns the sentences, one a line.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// Check holds raw JSON to the schema and its rules. It returns nil or a
// Problems with everything that is wrong; JSON that cannot be read as such
// (syntax, UTF-8, a name given twice, nesting beyond 32) is the only problem then.
// Absent arguments (no bytes) are an empty object, as in MCP.
func (d *Document) Check(raw []byte) error {
	value, err := parse(raw)
	if err != nil {
		return Problems{err.Error()}
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return Problems{fmt.Sprintf("arguments: are %s, must be an object with the fields %s", jsonType(value), strings.Join(d.fields, ", "))}
	}
	problems := d.schemaProblems(object)
	for _, r := range d.rules {
		problems = append(problems, r(object)...)
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

// anyNumber reads a number that float64 has no room for as the largest that it
// has: no argument is a number, and saying so takes no more than its type.
var anyNumber = json.WithUnmarshalers(json.UnmarshalFromFunc(func(in *jsontext.Decoder, value *any) error {
	if in.PeekKind() != '0' {
		return errors.ErrUnsupported // read as ever
	}
	number, err := in.ReadToken()
	if err == nil {
		float, _ := number.Float() // the error is of the range, and comes with an infinity
		*value = max(-math.MaxFloat64, min(float, math.MaxFloat64))
	}
	return err
}))

// tooDeep counts brackets outside strings; on JSON that is not valid the
// parser that follows has the last word.
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
	slices.Sort(problems) // the validator's order follows a map's
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

// sentences words one broken rule. Every keyword that the published schemas
// use is here; the last case is for one that a later change forgets.
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
		return say("begins with %q, must match %s", firstTwo(k.Got), k.Want)
	case *kind.Format:
		return say("is no %s", strings.ToUpper(k.Want))
	case *kind.Enum:
		return say("must be one of %s", strings.Trim(fmt.Sprint(k.Want), "[]"))
	default:
		return say("breaks the rule %q of the schema", strings.Join(e.ErrorKind.KeywordPath(), "/"))
	}
}

// bound is how a length is limited: to one value, as a SID's is, or on one side.
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

// pointerName is the first name on the way to a place.
func pointerName(pointer jsontext.Pointer) string {
	for name := range pointer.Tokens() {
		return quoteName(name)
	}
	return "arguments"
}

// quoteName shows a name that came from outside: plainly when it is one that a
// schema could have, else quoted and cut short.
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

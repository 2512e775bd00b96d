package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

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
// hosts add for themselves are ignored. It takes memory for what the schema has, and
// a few times len(raw) while it looks for names that are given twice.
func (d *Document) Check(raw []byte) error {
	defer d.turn(raw)()
	return d.check(raw)
}

// turn waits until large arguments may be checked. done is for the end.
func (d *Document) turn(raw []byte) (done func()) {
	if len(raw) <= large {
		return func() {}
	}
	d.largeOne.Lock()
	return d.largeOne.Unlock
}

func (d *Document) check(raw []byte) error {
	read, err := d.read(raw)
	if err != nil {
		return Problems{err.Error()}
	}
	object, isObject := read.value.(map[string]any)
	if !isObject {
		return Problems{fmt.Sprintf("arguments: are %s, must be an object with the fields %s", jsonType(read.value), strings.Join(d.fields, ", "))}
	}
	problems := append(read.problems, d.schemaProblems(object)...)
	slices.Sort(problems) // the validator's order is random
	problems = slices.Compact(problems)
	for _, rule := range d.rules {
		problems = append(problems, rule(object)...)
	}
	if len(problems) == 0 {
		return nil
	}
	more := max(0, read.unknown-maxProblems) // which were not made
	if beyond := len(problems) - maxProblems; beyond > 0 {
		problems, more = problems[:maxProblems], more+beyond
	}
	if more > 0 {
		problems = append(problems, fmt.Sprintf("arguments: have %d more problems like these", more))
	}
	return problems
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
	return problems
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
	if beginning := first(40, name); len(beginning) < len(name) {
		name = beginning + "..."
	}
	return fmt.Sprintf("%q", name)
}

func firstTwo(s string) string { return first(2, s) }

// first returns the first characters of s, without a copy of a long one.
func first(count int, s string) string {
	for at := range s {
		if count--; count < 0 {
			return s[:at]
		}
	}
	return s
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

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
)

// A published tool is what tools/list says of it, as plain JSON.
type published struct {
	Name, Description string
	Input             map[string]any `json:"inputSchema"`
	Output            map[string]any `json:"outputSchema"`
}

// everySet offers all tools, also those that are off by default.
const everySet = "--tools=send,find,read"

func publishedTools(t *testing.T, flags ...string) []published {
	t.Helper()
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), append([]string{"tools", "--json"}, flags...), program{strings.NewReader(""), &out, logs.New(&errs), toolSets}), errs.String())
	var list struct{ Tools []published }
	require.NoError(t, json.Unmarshal(out.Bytes(), &list))
	require.NotEmpty(t, list.Tools)
	return list.Tools
}

// eachSchema visits a schema and all those in it.
func eachSchema(path string, schema map[string]any, visit func(path string, schema map[string]any)) {
	visit(path, schema)
	for _, keyword := range []string{"properties", "$defs", "definitions", "patternProperties"} {
		members, _ := schema[keyword].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if member, isSchema := members[name].(map[string]any); isSchema {
				eachSchema(path+"/"+name, member, visit)
			}
		}
	}
	for _, keyword := range []string{"items", "additionalProperties", "not"} {
		if inner, isSchema := schema[keyword].(map[string]any); isSchema {
			eachSchema(path+"/"+keyword, inner, visit)
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf", "prefixItems"} {
		variants, _ := schema[keyword].([]any)
		for i, variant := range variants {
			if inner, isSchema := variant.(map[string]any); isSchema {
				eachSchema(fmt.Sprint(path, "/", keyword, i), inner, visit)
			}
		}
	}
}

// nullable converts a schema as clients do for OpenAI's strict mode: every property becomes required, and one that was
// optional may be null.
func nullable(schema map[string]any) map[string]any {
	schema = plainJSON(schema)
	eachSchema("", schema, func(_ string, s map[string]any) {
		properties, isObject := s["properties"].(map[string]any)
		if !isObject {
			return
		}
		required, _ := s["required"].([]any)
		all := []any{}
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			all = append(all, name)
			property := properties[name].(map[string]any)
			if slices.Contains(required, any(name)) {
				continue
			}
			if one, isOne := property["type"].(string); isOne {
				property["type"] = []any{one, "null"}
			}
			if values, has := property["enum"].([]any); has {
				property["enum"] = append(values, nil)
			}
		}
		s["required"], s["additionalProperties"] = all, false
	})
	return schema
}

func plainJSON(value map[string]any) (copied map[string]any) {
	encoded, _ := json.Marshal(value) // it came from JSON
	_ = json.Unmarshal(encoded, &copied)
	return copied
}

func TestEveryProviderTakesEverySchema(t *testing.T) {
	for _, tool := range publishedTools(t, everySet) {
		for _, p := range providers {
			require.NotEmpty(t, p.sources, p.name)
			require.Empty(t, p.refusals(tool.Input, false), "arguments of %s", tool.Name)
			require.Empty(t, p.refusals(tool.Output, true), "result of %s", tool.Name)
		}
		for _, schema := range []map[string]any{tool.Input, tool.Output} {
			eachSchema("", schema, func(path string, s map[string]any) {
				for keyword := range s {
					require.Contains(t, strings.Fields(house), keyword, "%s%s: enforce it with a Rule, and say it in the description", tool.Name, path)
				}
				properties, _ := s["properties"].(map[string]any)
				for name, property := range properties {
					require.IsType(t, map[string]any{}, property, "%s%s/%s: a schema that is true has no keyword to look at", tool.Name, path, name)
				}
			})
			require.NoError(t, compiles(schema), tool.Name)
		}
	}
	for _, p := range providers {
		for _, keyword := range strings.Fields(house) {
			words := strings.Fields(p.takes + " " + p.reduces)
			require.True(t, slices.Contains(words, keyword) || slices.Contains(words, "*"), "%s: %s", p.name, keyword)
		}
	}
}

// compiles checks a schema against the meta-schema of 2020-12, which is MCP's default.
func compiles(schema map[string]any) error {
	compiler := validator.NewCompiler()
	compiler.DefaultDraft(validator.Draft2020)
	if err := compiler.AddResource("schema.json", schema); err != nil {
		return err
	}
	_, err := compiler.Compile("schema.json")
	return err
}

// Names and texts have limits as well. Hosts put the name of a server before that of a tool.
func TestEveryProviderTakesEveryName(t *testing.T) {
	for _, tool := range publishedTools(t, everySet) {
		// OpenAI and Anthropic: 64 characters; Gemini: 63 (Gemini CLI cuts there, packages/core/src/tools/mcp-tool.ts).
		require.Regexp(t, `^[a-z][a-z0-9_]*$`, tool.Name)
		require.LessOrEqual(t, len("mcp__twilio-proxy-mcp__"+tool.Name), 63, tool.Name)
		// OpenAI refuses more (https://github.com/modelcontextprotocol/servers/issues/799).
		require.LessOrEqual(t, len(tool.Description), 1024, tool.Name)
		for _, schema := range []map[string]any{tool.Input, tool.Output} {
			names, enums, text, depth := 0, 0, 0, 0
			eachSchema("", schema, func(path string, s map[string]any) {
				depth = max(depth, strings.Count(path, "/"))
				properties, _ := s["properties"].(map[string]any)
				for name := range properties {
					// Anthropic: letters, digits, _ . - (1 to 64); Gemini: begins with a letter or _, and has no dots or dashes.
					require.Regexp(t, `^[a-zA-Z_][a-zA-Z0-9_]{0,63}$`, name, tool.Name)
					names, text = names+1, text+len(name)
				}
				values, _ := s["enum"].([]any)
				enums, text = enums+len(values), text+len(fmt.Sprint(values...))
			})
			// OpenAI's guide to structured outputs, narrowed to what Azure takes.
			require.LessOrEqual(t, names, 100, tool.Name)
			require.LessOrEqual(t, enums, 500, tool.Name)
			require.LessOrEqual(t, text, 15_000, tool.Name)
			require.LessOrEqual(t, depth, 5, tool.Name)
		}
	}
}

// patternWords are what a description says of a pattern, for models whose host leaves patterns out.
var patternWords = map[string]string{
	"^KS[0-9a-fA-F]{32}$": "KS and 32 hexadecimal digits",
	"^KC[0-9a-fA-F]{32}$": "KC and 32 hexadecimal digits",
	"^KP[0-9a-fA-F]{32}$": "KP and 32 hexadecimal digits",
	"^KI[0-9a-fA-F]{32}$": "KI and 32 hexadecimal digits",
	"^https?://":          "http:// or https://",
}

func TestBoundsAreSaidInWords(t *testing.T) {
	for _, tool := range publishedTools(t, everySet, "--max-body-length", "321") {
		for name, property := range tool.Input["properties"].(map[string]any) {
			description := property.(map[string]any)["description"]
			require.NotEmpty(t, description, name)
			eachSchema("", property.(map[string]any), func(_ string, s map[string]any) {
				pattern, has := s["pattern"].(string)
				if has {
					require.NotEmpty(t, patternWords[pattern], "say %s in the description of %s, and add it to patternWords", pattern, name)
					require.Contains(t, description, patternWords[pattern], name)
				}
				for _, bound := range []string{"minLength", "maxLength"} {
					if length, bounded := s[bound]; bounded && !has {
						require.Regexp(t, regexp.MustCompile(fmt.Sprintf(`\b%v characters`, length)), description, name)
					}
				}
			})
		}
	}
}

// The table finds what it is for.
func TestProvidersRefuse(t *testing.T) {
	object := func(property string) string {
		return `{"type":"object","properties":{"a":` + property + `},"required":["a"],"additionalProperties":false}`
	}
	for name, tc := range map[string]struct {
		schema string
		by     []string // beginnings of names
	}{
		"fine":                 {object(`{"type":"string","pattern":"^a","minLength":1,"maxLength":2,"enum":["a"],"description":"d"}`), nil},
		"format uri":           {object(`{"type":"string","format":"uri"}`), []string{"OpenAI", "Gemini, parameters ("}},
		"format email":         {object(`{"type":"string","format":"email"}`), []string{"Gemini, parameters ("}},
		"uniqueItems":          {object(`{"type":"array","items":{"type":"string"},"uniqueItems":true}`), []string{"OpenAI"}},
		"a reference":          {`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"string"}}}`, []string{"Gemini, parameters (", "Anthropic, n"}},
		"anyOf at the root":    {`{"type":"object","properties":{},"anyOf":[{"type":"object"}]}`, []string{"OpenAI", "Pydantic", "Anthropic", "Codex"}},
		"nullable":             {object(`{"type":"string","nullable":true}`), []string{"OpenAI", "Pydantic"}},
		"a number in an enum":  {object(`{"type":"integer","enum":[1]}`), []string{"Gemini"}},
		"nothing in an enum":   {object(`{"type":"string","enum":[""]}`), []string{"Gemini"}},
		"items without a type": {object(`{"type":"array","items":{"description":"d"}}`), []string{"OpenAI", "Pydantic", "Gemini", "Anthropic's SDK", "Codex"}},
		"no type":              {object(`{"enum":["a"]}`), []string{"Gemini"}},
		"nothing at all":       {object(`{"description":"d"}`), []string{"Gemini", "Anthropic's SDK"}},
		"no object":            {`{"type":"array","items":{"type":"string"}}`, []string{"OpenAI", "Pydantic", "Gemini", "Anthropic", "Codex"}},
		"lookahead":            {object(`{"type":"string","pattern":"^(?!b)"}`), []string{"OpenAI", "Pydantic"}},
		"Unicode's classes":    {object(`{"type":"string","pattern":"^[\\p{L} ]+$"}`), []string{"OpenAI", "Pydantic"}},
		"flags":                {object(`{"type":"string","pattern":"^(?i)a"}`), []string{"OpenAI", "Pydantic"}},
		"a list of types":      {object(`{"type":["string","null"]}`), []string{"Gemini, parameters ("}},
	} {
		t.Run(name, func(t *testing.T) {
			var schema map[string]any
			require.NoError(t, json.Unmarshal([]byte(tc.schema), &schema))
			for _, p := range providers {
				expected := slices.ContainsFunc(tc.by, func(beginning string) bool { return strings.HasPrefix(p.name, beginning) })
				got := p.refusals(schema, false)
				require.Equal(t, expected, len(got) > 0, "%s: %v", p.name, got)
			}
		})
	}
}

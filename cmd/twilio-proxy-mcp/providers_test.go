package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A provider is what one way to a model does with a tool's schema. A keyword that is neither taken nor reduced is refused
// there, and with it every request that offers the tool, whichever tool the model wants.
type provider struct {
	name    string
	sources []string
	// takes are keywords; format:NAME is one format, and format:* is any.
	takes string
	// reduces are keywords that the host or the provider drops, or moves into the description: the model may break them, and
	// this server alone enforces them. * is every keyword that is not taken.
	reduces string
	// strict is how the host changes a schema first; nil is not at all.
	strict func(schema map[string]any) map[string]any
	// results says that the schema of a tool's result goes along.
	results bool
	// rules are what keywords do not say.
	rules []schemaRule
}

// A schemaRule returns what is wrong with one schema in a tool's, or "". The path is empty at the root.
type schemaRule func(path string, schema map[string]any) string

// house are the keywords that are published. No provider refuses one. Of these only pattern and the lengths are reduced by
// some; the descriptions say them in words. A bound of another kind is enforced without its keyword and said in the
// description: maxItems as schema.Input does, another as a Rule of the arguments.
const house = "type properties required enum pattern minLength maxLength items description additionalProperties"

const nineFormats = " format:date-time format:time format:date format:duration format:email format:hostname format:ipv4 format:ipv6 format:uuid"

// providers is the table, as of November 2026. It leaves out OpenAI's fine-tuned models in strict mode, and hosts that use
// Anthropic's strict mode without its SDK: both refuse the lengths, the first also patterns. Without these a model could
// not be told what a SID is. It also leaves out Google's SDK for Python from 1.74 on (2.19 was read), whose
// mcp_to_gemini_tool fails on an additionalProperties that is no object, as many servers have it
// (https://github.com/googleapis/python-genai/issues/2393). Without it a model could not be told that no other argument is
// taken, and OpenAI's strict mode requires it.
var providers = []provider{
	{
		name: "OpenAI, not strict",
		sources: []string{
			"https://github.com/cyanheads/git-mcp-server/issues/47 and https://github.com/tailcallhq/forgecode/issues/2974: 'uri' is not a valid format",
			"https://github.com/1jehuang/jcode/issues/687: 'uniqueItems' is not permitted",
			"https://github.com/zed-industries/zed/issues/60474 and https://github.com/BerriAI/litellm/pull/40485: a pattern that Python's re does not know is not a 'regex'",
			"https://github.com/cline/cline/pull/14019: regex lookaround is not supported",
		},
		takes: house + " anyOf $ref $defs minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems" + nineFormats,
		rules: []schemaRule{rootIsObject, noRootUnion, itemsHaveType, plainPattern},
	},
	{
		// All properties must be required, and additionalProperties false. Hosts make the optional properties nullable, and
		// their models send null for what they leave out. That is why null counts as absent; see schema.Document.Check.
		name: "OpenAI, strict",
		sources: []string{
			"https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas",
			"https://github.com/pydantic/pydantic-ai/issues/7315 and pull/7400: minLength and maxLength are taken and enforced, which the guide does not say",
			"https://github.com/mastra-ai/mastra .changeset/fair-papayas-argue.md: optional becomes nullable",
		},
		takes:  house + " anyOf $ref $defs minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems" + nineFormats,
		strict: nullable,
		rules:  []schemaRule{rootIsObject, noRootUnion, itemsHaveType, allRequired, closed, plainPattern},
	},
	{
		name: "Pydantic AI, for OpenAI and its likes, strict",
		sources: []string{
			"https://github.com/pydantic/pydantic-ai pydantic_ai_slim/pydantic_ai/profiles/openai.py: _STRICT_INCOMPATIBLE_KEYS and other formats move into the description",
		},
		takes: "type properties required enum pattern items description additionalProperties anyOf $ref $defs minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems" + nineFormats,
		reduces: "minLength maxLength format:* title default patternProperties unevaluatedProperties propertyNames minProperties maxProperties " +
			"unevaluatedItems contains minContains maxContains uniqueItems",
		strict: nullable,
		rules:  []schemaRule{rootIsObject, noRootUnion, itemsHaveType, allRequired, closed, plainPattern},
	},
	{
		name: "Gemini, parameters (Google's SDK for JavaScript)",
		sources: []string{
			"https://github.com/googleapis/js-genai src/_transformers.ts: supportedJsonSchemaFields are taken, mcpToGeminiTool drops the rest",
			"https://github.com/n8n-io/n8n/issues/15553 and https://github.com/zed-industries/zed/issues/44875: a list of types is refused; js-genai makes it no type at all",
			"https://github.com/google-gemini/gemini-cli/issues/2237: only 'enum' and 'date-time' are supported for STRING type",
			"https://github.com/sbroenne/mcp-server-excel/issues/607 and https://github.com/router-for-me/CLIProxyAPI/pull/1076: an enum has strings, none of them empty",
			"https://github.com/google-gemini/gemini-cli/issues/4400: every schema needs its type",
		},
		takes:   "type properties required enum pattern minLength maxLength items description anyOf title minimum maximum minItems maxItems minProperties maxProperties format:date-time",
		reduces: "*",
		rules:   []schemaRule{rootIsObject, has("type", "anyOf"), oneType, itemsHaveType, stringsInEnum, onlyFormat("date-time")},
	},
	{
		name: "Gemini, parametersJsonSchema (Gemini CLI)",
		sources: []string{
			"https://github.com/google-gemini/gemini-cli packages/core/src/tools/tools.ts: getSchema sends the schema as it is",
			"https://github.com/googleapis/python-genai google/genai/types.py: response_json_schema lists the keywords that are supported; the whole of JSON Schema may be sent",
		},
		takes:   "type properties required enum items description additionalProperties anyOf oneOf title prefixItems minItems maxItems minimum maximum $defs $ref format:*",
		reduces: "*",
		rules:   []schemaRule{rootIsObject, has("type", "anyOf", "$ref"), itemsHaveType, stringsInEnum},
	},
	{
		name: "Anthropic, not strict",
		sources: []string{
			"https://platform.claude.com/docs/en/managed-agents/self-hosted-sandboxes, quoted in https://github.com/diegosouzapw/OmniRoute/issues/13552: no $ref, and no oneOf, anyOf or allOf at the top; the names of properties",
			"https://github.com/anthropics/claude-code/issues/40075",
		},
		takes: house + " anyOf oneOf allOf title default const minimum maximum multipleOf minItems maxItems uniqueItems nullable format:*",
		rules: []schemaRule{rootIsObject, noRootUnion},
	},
	{
		name: "Anthropic's SDK, strict",
		sources: []string{
			"https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations",
			"https://github.com/anthropics/anthropic-sdk-python src/anthropic/lib/_parse/_transform.py: what is not taken moves into the description",
		},
		takes:   "type properties required enum items description additionalProperties anyOf allOf title $ref $defs format:uri" + nineFormats,
		reduces: "*",
		rules:   []schemaRule{rootIsObject, noRootUnion, has("type", "enum", "anyOf", "oneOf", "allOf", "$ref")},
	},
	{
		name: "Codex",
		sources: []string{
			"https://github.com/openai/codex codex-rs/tools/src/json_schema.rs: the members of JsonSchema are taken, and serde drops the rest",
			"https://github.com/openai/codex codex-rs/tools/src/mcp_tool.rs: strict is false, and the schema of structuredContent goes along",
		},
		takes:   "type properties required enum items description additionalProperties anyOf",
		reduces: "*",
		results: true,
		rules:   []schemaRule{rootIsObject, noRootUnion, itemsHaveType},
	},
}

// refusals are what a provider has against a schema.
func (p provider) refusals(schema map[string]any, result bool) (all []string) {
	if p.strict != nil && !result {
		schema = p.strict(schema)
	}
	words := strings.Fields(p.takes + " " + p.reduces)
	anything := slices.Contains(words, "*")
	eachSchema("", schema, func(path string, s map[string]any) {
		at := p.name + ": at " + path + "/: "
		for keyword, value := range s {
			if keyword == "format" && !slices.Contains(words, "format:*") {
				keyword = fmt.Sprint("format:", value)
			} else if keyword == "format" {
				continue
			}
			if !anything && !slices.Contains(words, keyword) {
				all = append(all, at+keyword+" is refused")
			}
		}
		if result && !p.results {
			return
		}
		for _, rule := range p.rules {
			if problem := rule(path, s); problem != "" {
				all = append(all, at+problem)
			}
		}
	})
	return all
}

func rootIsObject(path string, s map[string]any) string {
	if _, has := s["properties"].(map[string]any); path == "" && (s["type"] != "object" || !has) {
		return "the root is no object with properties"
	}
	return ""
}

func noRootUnion(path string, s map[string]any) string {
	for _, keyword := range []string{"anyOf", "oneOf", "allOf", "not", "enum"} {
		if _, has := s[keyword]; has && path == "" {
			return keyword + " at the root"
		}
	}
	return ""
}

// has is that every schema has one of these keywords.
func has(keywords ...string) schemaRule {
	return func(_ string, s map[string]any) string {
		for _, keyword := range keywords {
			if s[keyword] != nil {
				return ""
			}
		}
		return "none of " + strings.Join(keywords, ", ")
	}
}

func itemsHaveType(_ string, s map[string]any) string {
	if items, _ := s["items"].(map[string]any); s["type"] == "array" && items["type"] == nil {
		return "an array without a type of items"
	}
	return ""
}

func stringsInEnum(_ string, s map[string]any) string {
	values, _ := s["enum"].([]any)
	for _, value := range values {
		if text, isString := value.(string); !isString || text == "" {
			return fmt.Sprintf("%v in an enum", value)
		}
	}
	return ""
}

func allRequired(_ string, s map[string]any) string {
	required, _ := s["required"].([]any)
	if properties, _ := s["properties"].(map[string]any); len(properties) != len(required) {
		return "not all properties are required"
	}
	return ""
}

func closed(_ string, s map[string]any) string {
	if s["type"] == "object" && s["additionalProperties"] != false {
		return "additionalProperties is not false"
	}
	return ""
}

// plainPattern is false of what not every regular expression has: OpenAI compiles with Python's re and has no lookaround.
func plainPattern(_ string, s map[string]any) string {
	pattern, _ := s["pattern"].(string)
	if _, err := regexp.Compile(pattern); err != nil || particular.MatchString(pattern) {
		return "a pattern that is not plain"
	}
	return ""
}

// particular finds groups that are more than groups, and the classes and escapes of one dialect.
var particular = regexp.MustCompile(`\(\?[^:]|\[\[:|\\[^dDsSwWbB\W]`)

// oneType is false of a list of types.
func oneType(_ string, s map[string]any) string {
	if _, isList := s["type"].([]any); isList {
		return "a list of types"
	}
	return ""
}

func onlyFormat(name string) schemaRule {
	return func(_ string, s map[string]any) string {
		if format, has := s["format"]; has && format != name {
			return fmt.Sprintf("the format %v", format)
		}
		return ""
	}
}

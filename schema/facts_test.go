package schema_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// A fact is what Twilio publishes about one parameter or field. Both its OpenAPI
// file and our JSON Schema can be converted to facts.
type fact struct {
	Type      string
	Format    string
	Pattern   string
	MinLength int
	MaxLength int
	Required  bool
	Nullable  bool
	Enum      []string
	Items     string // the item's type, and its format or pattern
}

func sidFact(prefix string, required, nullable bool) fact {
	return fact{Type: "string", Pattern: "^" + prefix + "[0-9a-fA-F]{32}$", MinLength: 34, MaxLength: 34, Required: required, Nullable: nullable}
}

var (
	resourceStatus = strings.Fields("accepted answered busy canceled completed deleted delivered delivery-unknown failed in-progress initiated no-answer queued received receiving ringing scheduled sending sent undelivered unknown")

	// inputFacts are the operation's path and body parameters.
	inputFacts = map[string]fact{
		"ServiceSid":     sidFact("KS", true, false),
		"SessionSid":     sidFact("KC", true, false),
		"ParticipantSid": sidFact("KP", true, false),
		"Body":           {Type: "string"},
		"MediaUrl":       {Type: "array", Items: "string uri"},
	}

	// outputFacts are the 20 fields of the response. Twilio's description says that
	// the three enums are not nullable, but one is null in its own example. So they
	// are nullable here.
	outputFacts = map[string]fact{
		"sid":                      sidFact("KI", false, true),
		"session_sid":              sidFact("KC", false, true),
		"service_sid":              sidFact("KS", false, true),
		"account_sid":              sidFact("AC", false, true),
		"participant_sid":          sidFact("KP", false, true),
		"inbound_participant_sid":  sidFact("KP", false, true),
		"outbound_participant_sid": sidFact("KP", false, true),
		"inbound_resource_sid":     sidFact("[a-zA-Z]{2}", false, true),
		"outbound_resource_sid":    sidFact("[a-zA-Z]{2}", false, true),
		"data":                     {Type: "string", Nullable: true},
		"inbound_resource_type":    {Type: "string", Nullable: true},
		"outbound_resource_type":   {Type: "string", Nullable: true},
		"inbound_resource_url":     {Type: "string", Nullable: true, Format: "uri"},
		"outbound_resource_url":    {Type: "string", Nullable: true, Format: "uri"},
		"url":                      {Type: "string", Nullable: true, Format: "uri"},
		"date_created":             {Type: "string", Nullable: true, Format: "date-time"},
		"date_updated":             {Type: "string", Nullable: true, Format: "date-time"},
		"type":                     {Type: "string", Nullable: true, Enum: []string{"message", "voice", "unknown"}},
		"inbound_resource_status":  {Type: "string", Nullable: true, Enum: resourceStatus},
		"outbound_resource_status": {Type: "string", Nullable: true, Enum: resourceStatus},
	}
)

// property is the part of JSON Schema that the published documents use.
type property struct {
	Type        any
	Format      string
	Pattern     string
	MinLength   int
	MaxLength   int
	Enum        []any
	Items       *property
	Description string
}

func (p property) fact(required bool) fact {
	f := fact{Format: p.Format, Pattern: p.Pattern, MinLength: p.MinLength, MaxLength: p.MaxLength, Required: required}
	switch t := p.Type.(type) {
	case string:
		f.Type = t
	case []any:
		f.Type, f.Nullable = t[0].(string), slices.Contains(t, any("null"))
	}
	for _, v := range p.Enum {
		if s, ok := v.(string); ok {
			f.Enum = append(f.Enum, s)
		}
	}
	if p.Items != nil {
		f.Items = strings.TrimSpace(p.Items.Type.(string) + " " + p.Items.Format + p.Items.Pattern)
	}
	return f
}

type document struct {
	Type                 string
	Properties           map[string]property
	Required             []string
	AdditionalProperties *bool
}

func read(t *testing.T, raw json.RawMessage) document {
	t.Helper()
	var d document
	require.NoError(t, json.Unmarshal(raw, &d))
	return d
}

func (d document) facts() map[string]fact {
	facts := map[string]fact{}
	for name, p := range d.Properties {
		facts[name] = p.fact(slices.Contains(d.Required, name))
	}
	return facts
}

func TestInputHasThePublishedFacts(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	d := read(t, input.JSON())
	want := maps.Clone(inputFacts)
	want["MediaUrl"] = fact{Type: "array", Items: "string ^https?://"} // no published schema has a format; see Document
	require.Equal(t, want, d.facts())
	require.Equal(t, []string{"ServiceSid", "SessionSid", "ParticipantSid", "Body", "MediaUrl"}, input.Fields())
	require.Equal(t, "object", d.Type)
	require.False(t, *d.AdditionalProperties)
	for name, p := range d.Properties {
		require.NotEmpty(t, p.Description, name)
	}
}

func TestOutputHasThePublishedFacts(t *testing.T) {
	output, err := schema.Output[schema.MessageInteraction]()
	require.NoError(t, err)
	want := map[string]fact{}
	for name, f := range outputFacts {
		f.Format = "" // deliberately left out; see Document
		want[name] = f
	}
	require.Equal(t, want, read(t, output.JSON()).facts())
	require.Len(t, output.Fields(), 20)
}

type Stamp struct {
	By *string `json:"by"`
}

type parcel struct {
	Stamp
	Inner  Stamp    `json:"inner"`
	Next   *Stamp   `json:"next"`
	List   []*Stamp `json:"list"`
	Weight int      `json:"weight"`
	Plain  *int
	Named  map[string]Stamp `json:"named"`
}

// Hosts refuse a whole result for one null that its schema does not allow.
func TestAnyPointerFieldOfAResultMayBeNull(t *testing.T) {
	output, err := schema.Output[parcel]()
	require.NoError(t, err)
	for _, result := range []parcel{{}, {Next: &Stamp{}, List: []*Stamp{{}, nil}, Named: map[string]Stamp{"a": {}}}} {
		encoded, err := jsonv2.Marshal(result)
		require.NoError(t, err)
		require.NoError(t, output.Check(encoded), string(encoded))
	}
	require.ErrorContains(t, output.Check([]byte(`{"inner":{"by":1},"list":[],"named":{},"weight":1}`)), "must be null or string")
	require.ErrorContains(t, output.Check([]byte(`{"inner":{},"list":[],"named":{},"weight":null}`)), "weight: is null")
}

func TestAResultIsAStruct(t *testing.T) {
	for _, output := range []func(...schema.Text) (*schema.Document, error){schema.Output[*Stamp], schema.Output[map[string]int], schema.Output[string], schema.Output[any], schema.Output[schema.ServiceSid]} {
		_, err := output(schema.Text{Name: "notice"})
		require.ErrorContains(t, err, "must be a struct")
	}
}

// A text is optional and no null, so that every converter of schemas takes it.
func TestATextStandsAfterTheFields(t *testing.T) {
	output, err := schema.Output[schema.MessageInteraction](schema.Text{Name: "notice", Description: "words"})
	require.NoError(t, err)
	require.Equal(t, "notice", output.Fields()[20])
	require.Contains(t, string(output.JSON()), `"notice":{"type":"string","description":"words"}`)
	require.NotContains(t, string(output.JSON()), `"required"`)
	_, err = schema.Output[schema.MessageInteraction](schema.Text{Name: "sid"})
	require.ErrorContains(t, err, "has a field sid of its own")
}

func TestPublishedSchemasArePlain(t *testing.T) {
	input := func() (*schema.Document, error) { return schema.Input[schema.CreateMessageInteraction]() }
	noticed := func() (*schema.Document, error) {
		return schema.Output[schema.MessageInteraction](schema.Text{Name: "notice", Description: "words"})
	}
	for _, make := range []func() (*schema.Document, error){input, noticed} {
		d, err := make()
		require.NoError(t, err)
		for _, keyword := range []string{`"$ref"`, `"$defs"`, `"$schema"`, `"nullable"`, `"anyOf"`, `"oneOf"`, `"allOf"`, `"format"`, `:true`} {
			require.NotContains(t, string(d.JSON()), keyword)
		}
	}
}

// openAPI is an optional copy of Twilio's OpenAPI file, outside this repository.
const openAPI = "../../shared/twilio_proxy_v1.json"

func TestFactsAreThoseOfTwiliosFile(t *testing.T) {
	raw, err := os.ReadFile(openAPI)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("Twilio's OpenAPI file is not at %s: the schemas are only compared with the tables in this test", openAPI)
	}
	require.NoError(t, err)
	type published struct {
		property
		Nullable bool
		Ref      string `json:"$ref"`
	}
	var file struct {
		Paths map[string]struct {
			Post struct {
				Parameters []struct {
					Name     string
					Required bool
					Schema   property
				}
				RequestBody struct {
					Content map[string]struct {
						Schema struct{ Properties map[string]property }
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]published
				Enum       []string
				Type       string
			}
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))

	input := map[string]fact{}
	operation := file.Paths["/v1/Services/{ServiceSid}/Sessions/{SessionSid}/Participants/{ParticipantSid}/MessageInteractions"].Post
	for _, p := range operation.Parameters {
		input[p.Name] = p.Schema.fact(p.Required)
	}
	for name, p := range operation.RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties {
		input[name] = p.fact(false)
	}
	require.Equal(t, input, inputFacts)

	output := map[string]fact{}
	for name, p := range file.Components.Schemas["proxy.v1.service.session.participant.message_interaction"].Properties {
		f := p.fact(false)
		f.Nullable = p.Nullable
		if enum, isRef := strings.CutPrefix(p.Ref, "#/components/schemas/"); isRef {
			f.Type, f.Enum, f.Nullable = file.Components.Schemas[enum].Type, file.Components.Schemas[enum].Enum, true
		}
		output[name] = f
	}
	require.Equal(t, slices.Sorted(maps.Keys(output)), slices.Sorted(maps.Keys(outputFacts)))
	require.Equal(t, output, outputFacts)
}

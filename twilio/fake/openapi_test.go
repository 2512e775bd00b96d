package fake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// descriptionFile is Twilio's published OpenAPI description. It is not part of the
// repository. If the file exists, every answer is checked against it.
const descriptionFile = "../../../shared/twilio_proxy_v1.json"

// contradictions are the fields where the description's own examples violate its
// schemas, or where the schema has no value for a possible case. The test allows
// null in them.
var contradictions = map[string][]string{
	// In the example of a create, no message came in and the field is null.
	"proxy.v1.service.session.participant.message_interaction": {"inbound_resource_status"},
	// The same interaction read as an Interaction; and one that has no partner.
	"proxy.v1.service.session.interaction": {"inbound_resource_status", "outbound_resource_status"},
}

// A description checks answers against the OpenAPI description.
type description struct {
	paths   map[string]map[string]any
	schemas *jsonschema.Compiler
}

var readDescription = sync.OnceValues(func() (*description, error) {
	data, err := os.ReadFile(descriptionFile)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	root := doc.(map[string]any)
	components := root["components"].(map[string]any)["schemas"].(map[string]any)
	for name, fields := range contradictions {
		properties := components[name].(map[string]any)["properties"].(map[string]any)
		for _, field := range fields {
			properties[field] = map[string]any{"anyOf": []any{properties[field], map[string]any{"type": "null"}}}
		}
	}
	translateNullable(root)
	d := &description{paths: map[string]map[string]any{}, schemas: jsonschema.NewCompiler()}
	for path, item := range root["paths"].(map[string]any) {
		d.paths[path] = item.(map[string]any)
	}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	return d, d.schemas.AddResource("openapi.json", root)
})

// translateNullable turns OpenAPI 3.0's nullable into JSON Schema's null type.
func translateNullable(v any) {
	switch v := v.(type) {
	case map[string]any:
		if kind, isText := v["type"].(string); isText && v["nullable"] == true {
			v["type"] = []any{kind, "null"}
		}
		for _, child := range v {
			translateNullable(child)
		}
	case []any:
		for _, child := range v {
			translateNullable(child)
		}
	}
}

// check checks an answer against the description. It returns the operation's id,
// or "" for a path that is not in the description.
func (d *description) check(t *testing.T, r *http.Request, got response) string {
	t.Helper()
	template, operation := d.find(r)
	if operation == nil {
		return ""
	}
	id := operation["operationId"].(string)
	if got.status >= 400 {
		require.NotEmpty(t, got.json["message"], id)
		require.EqualValues(t, got.status, got.json["status"], id)
		return id
	}
	answers := operation["responses"].(map[string]any)
	code := map[int]string{200: "200", 201: "201", 204: "204"}[got.status]
	require.Contains(t, answers, code, "%s answered %d", id, got.status)
	if _, described := answers[code].(map[string]any)["content"]; !described {
		require.Empty(t, got.body, id)
		return id
	}
	for header := range answers[code].(map[string]any)["headers"].(map[string]any) {
		require.NotEmpty(t, got.header.Get(header), "%s: %s", id, header)
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(template)
	schema, err := d.schemas.Compile("openapi.json#/paths/" + escaped + "/" + strings.ToLower(r.Method) + "/responses/" + code + "/content/application~1json/schema")
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(value), "%s: %s", id, got.body)
	for name := range schema.Properties {
		require.Contains(t, got.json, name, id)
	}
	return id
}

func (d *description) find(r *http.Request) (string, map[string]any) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for template, item := range d.paths {
		names := strings.Split(template, "/")
		match := len(names) == len(parts)
		for i := 0; match && i < len(names); i++ {
			match = names[i] == parts[i] || strings.HasPrefix(names[i], "{")
		}
		if operation, ok := item[strings.ToLower(r.Method)].(map[string]any); match && ok {
			return template, operation
		}
	}
	return "", nil
}

// This test calls all 25 operations. All other tests of this package check their
// answers in the same way.
func TestAnswersFitTheDescription(t *testing.T) {
	d, err := readDescription()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s does not exist, so answers are not checked against it", descriptionFile)
	}
	require.NoError(t, err)
	s := start(t, fake.Config{})
	s.seen = map[string]bool{}
	everyOperation(s)

	for _, item := range d.paths {
		for _, operation := range item {
			if o, ok := operation.(map[string]any); ok && o["operationId"] != nil {
				require.True(t, s.seen[o["operationId"].(string)], "%s was not called", o["operationId"])
			}
		}
	}
	require.Len(t, s.seen, 25)
}

// everyOperation calls each operation successfully at least once.
func everyOperation(s *server) {
	service := text(s.ok(201, "POST", "/v1/Services", url.Values{"UniqueName": {"shop"}}).json["sid"])
	root := "/v1/Services/" + service
	s.ok(200, "GET", "/v1/Services", nil)
	s.ok(200, "GET", root, nil)
	s.ok(200, "POST", root, url.Values{"DefaultTtl": {"3600"}})

	number := text(s.ok(201, "POST", root+"/PhoneNumbers", url.Values{"PhoneNumber": {"+15550107777"}}).json["sid"])
	s.ok(200, "GET", root+"/PhoneNumbers", nil)
	s.ok(200, "GET", root+"/PhoneNumbers/"+number, nil)
	s.ok(200, "POST", root+"/PhoneNumbers/"+number, url.Values{"IsReserved": {"false"}})

	session := root + "/Sessions/" + text(s.ok(201, "POST", root+"/Sessions", url.Values{"UniqueName": {"one"}}).json["sid"])
	s.ok(200, "GET", root+"/Sessions", nil)
	s.ok(200, "GET", session, nil)
	s.ok(200, "POST", session, url.Values{"Ttl": {"60"}})

	person := session + "/Participants/" + text(s.ok(201, "POST", session+"/Participants", url.Values{"Identifier": {"+15550100001"}}).json["sid"])
	s.ok(200, "GET", session+"/Participants", nil)
	s.ok(200, "GET", person, nil)

	message := text(s.ok(200, "POST", person+"/MessageInteractions", body("hello")).json["sid"])
	s.ok(200, "GET", person+"/MessageInteractions", nil)
	s.ok(200, "GET", person+"/MessageInteractions/"+message, nil)
	s.ok(200, "GET", session+"/Interactions", nil)
	s.ok(200, "GET", session+"/Interactions/"+message, nil)

	s.ok(204, "DELETE", session+"/Interactions/"+message, nil)
	s.ok(200, "DELETE", person, nil)
	s.ok(204, "DELETE", session, nil)
	s.ok(204, "DELETE", root+"/PhoneNumbers/"+number, nil)
	s.ok(204, "DELETE", root, nil)
}

// A field does not belong in contradictions if the description allows null in it.
func TestContradictionsAreReal(t *testing.T) {
	data, err := os.ReadFile(descriptionFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s does not exist, so contradictions cannot be checked", descriptionFile)
	}
	require.NoError(t, err)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Ref      string `json:"$ref"`
					Nullable bool   `json:"nullable"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	for name, fields := range contradictions {
		for _, field := range fields {
			p := doc.Components.Schemas[name].Properties[field]
			require.NotEmpty(t, p.Ref, "%s.%s", name, field)
			require.False(t, p.Nullable, "%s.%s is nullable by now: take it off the list", name, field)
		}
	}
}

package schema

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// DecodePlain skips the validator, so it depends on the whole schema. When you
// change the schema or its rules, check DecodePlain, then update this test.
func TestDecodePlainKnowsTheWholeSchema(t *testing.T) {
	input, err := Input[CreateMessageInteraction]()
	require.NoError(t, err)
	var published map[string]any
	require.NoError(t, json.Unmarshal(input.JSON(), &published))
	for _, property := range published["properties"].(map[string]any) {
		delete(property.(map[string]any), "description")
	}
	keywords, err := json.Marshal(published)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"type": "object",
		"properties": {
			"ServiceSid":     {"type": "string", "minLength": 34, "maxLength": 34, "pattern": "^KS[0-9a-fA-F]{32}$"},
			"SessionSid":     {"type": "string", "minLength": 34, "maxLength": 34, "pattern": "^KC[0-9a-fA-F]{32}$"},
			"ParticipantSid": {"type": "string", "minLength": 34, "maxLength": 34, "pattern": "^KP[0-9a-fA-F]{32}$"},
			"Body":           {"type": "string"},
			"MediaUrl":       {"type": "array", "items": {"type": "string", "pattern": "^https?://"}}
		},
		"required": ["ServiceSid", "SessionSid", "ParticipantSid"],
		"additionalProperties": false
	}`, string(keywords))
	require.Len(t, input.rules, 2, "a Body that is not empty satisfies one rule; the other is about MediaUrl")
}

// Without this test, nobody would notice when the usual call takes the slow path.
func TestDecodePlainTakesATextAlone(t *testing.T) {
	const sids = `"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
	for raw, want := range map[string]bool{
		`{` + sids + `,"Body":"x"}`:                 true,
		`{` + sids + `,"Body":"x","MediaUrl":[]}`:   false,
		`{` + sids + `,"Body":"x","MediaUrl":null}`: false,
		`{` + sids + `,"Body":null}`:                false,
		`{` + sids + `}`:                            false,
		`{"Body":"x"}`:                              false,
		``:                                          false,
	} {
		require.Equal(t, want, new(CreateMessageInteraction).DecodePlain([]byte(raw)), raw)
	}
}

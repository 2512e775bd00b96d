package schema

import (
	"slices"

	"github.com/invopop/jsonschema"
)

// InteractionType is the kind of an interaction.
type InteractionType string

// ResourceStatus is the status of the message or call on one side of an
// interaction. At creation it is an early status, which does not prove delivery.
type ResourceStatus string

// Unknown is a value of both enums. Values that Twilio adds later are read as
// Unknown.
const Unknown = "unknown"

// The values of the enums, in the order of Twilio's OpenAPI description.
var (
	interactionTypes = []string{"message", "voice", Unknown}
	resourceStatuses = []string{
		"accepted", "answered", "busy", "canceled", "completed", "deleted", "delivered",
		"delivery-unknown", "failed", "in-progress", "initiated", "no-answer", "queued",
		"received", "receiving", "ringing", "scheduled", "sending", "sent", "undelivered", Unknown,
	}
)

// UnmarshalText never fails: a value that is not documented becomes Unknown.
func (t *InteractionType) UnmarshalText(text []byte) error {
	*t = InteractionType(known(interactionTypes, string(text)))
	return nil
}

// UnmarshalText never fails: a value that is not documented becomes Unknown.
func (s *ResourceStatus) UnmarshalText(text []byte) error {
	*s = ResourceStatus(known(resourceStatuses, string(text)))
	return nil
}

func known(values []string, value string) string {
	if slices.Contains(values, value) {
		return value
	}
	return Unknown
}

// JSONSchema lists the documented values.
func (InteractionType) JSONSchema() *jsonschema.Schema { return enumSchema(interactionTypes) }

// JSONSchema lists the documented values.
func (ResourceStatus) JSONSchema() *jsonschema.Schema { return enumSchema(resourceStatuses) }

func enumSchema(values []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	return s
}

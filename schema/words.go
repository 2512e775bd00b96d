package schema

import (
	"encoding/json"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Words returns the body in data as it stands there, and how many media data has. text is nil if data has no body that is a
// string. The names of the members with media are not documented: any that begins with "media" counts. misfits are
// DecodeMessageInteraction's.
func (mi *MessageInteraction) Words(misfits map[string]json.RawMessage) (text *string, media int) {
	data := []byte(misfits["data"])
	if mi.Data != nil {
		data = []byte(*mi.Data)
	}
	if body, has := bodyOf(data); has {
		text = &body
	}
	var object map[string]jsontext.Value
	if jsonv2.Unmarshal(data, &object, tolerant) != nil {
		return text, 0
	}
	for name, value := range object {
		var list []jsontext.Value
		switch {
		case !strings.HasPrefix(strings.ToLower(name), "media"):
		case value.Kind() == '"' && len(value) > len(`""`):
			media = max(media, 1)
		case jsonv2.Unmarshal(value, &list, tolerant) == nil:
			media = max(media, len(list))
		}
	}
	return text, media
}

package schema_test

import (
	"reflect"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// requireAppended compares the handwritten encoder with the struct tags.
func requireAppended(t *testing.T, mi schema.MessageInteraction) {
	t.Helper()
	want, err := jsonv2.Marshal(mi, jsontext.AllowInvalidUTF8(true))
	require.NoError(t, err)
	require.Equal(t, string(want), string(mi.AppendJSON(nil)))
}

func TestAppendJSONWritesEveryField(t *testing.T) {
	var empty, full, zero schema.MessageInteraction
	for i, v := 0, reflect.ValueOf(&full).Elem(); i < v.NumField(); i++ {
		v.Field(i).Set(reflect.New(v.Field(i).Type().Elem()))
		reflect.ValueOf(&zero).Elem().Field(i).Set(reflect.New(v.Field(i).Type().Elem()))
		if s := v.Field(i).Elem(); s.Kind() == reflect.String {
			s.SetString("\"<&>\" \u2028\n\\ \xff é " + v.Type().Field(i).Name)
		}
	}
	for _, mi := range []schema.MessageInteraction{empty, full, zero} {
		requireAppended(t, mi)
	}
	documented, _, err := schema.DecodeMessageInteraction([]byte(example))
	require.NoError(t, err)
	requireAppended(t, documented)
	require.Equal(t, example, string(documented.AppendJSON(nil)))
}

func BenchmarkAppendJSON(b *testing.B) {
	mi, _, err := schema.DecodeMessageInteraction([]byte(example))
	require.NoError(b, err)
	buffer := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		mi.AppendJSON(buffer)
	}
}

package schema

import (
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// An order has an optional argument of every kind, and one argument that has the
// name of a host's.
type order struct {
	ID      string       `json:"ID"`
	Wait    bool         `json:"wait_for_previous,omitempty"`
	Note    string       `json:"Note,omitempty"`
	Count   int          `json:"Count,omitempty"`
	Price   *float64     `json:"Price,omitempty"`
	Mood    string       `json:"Mood,omitempty" jsonschema:"enum=fine,enum=broken"`
	Tags    []string     `json:"Tags,omitempty"`
	Service ServiceSid   `json:"Service,omitzero"`
	Address *address     `json:"Address,omitempty"`
	Lines   []orderLines `json:"Lines,omitempty"`
}

type address struct {
	City string `json:"City"`
	Zip  string `json:"Zip,omitempty"`
}

type orderLines struct {
	Item string `json:"Item"`
	Hint string `json:"Hint,omitempty"`
}

func TestNullIsAbsentForEveryOptionalArgument(t *testing.T) {
	input, err := Input[order]()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		raw  string
		want any
	}{
		"every optional": {`{"ID":"x","wait_for_previous":null,"Note":null,"Count":null,"Price":null,"Mood":null,"Tags":null,"Service":null,"Address":null,"Lines":null}`, order{ID: "x"}},
		"nested":         {`{"ID":"x","Address":{"City":"c","Zip":null},"Lines":[{"Item":"i","Hint":null}]}`, order{ID: "x", Address: &address{City: "c"}, Lines: []orderLines{{Item: "i"}}}},
		"required":       {`{"ID":null}`, "ID: is null, must be string"},
		"nested, required": {`{"ID":"x","Address":{"City":null},"Lines":[{"Item":null},null]}`,
			"Address[City]: is null, must be string\nLines[0][Item]: is null, must be string\nLines[1]: is null, must be object"},
		"nested, unknown": {`{"ID":"x","Address":{"City":"c","wait_for_previous":true}}`, "wait_for_previous: is no argument of this tool"},
		"its own":         {`{"ID":"x","wait_for_previous":true,"task_progress":"a"}`, order{ID: "x", Wait: true}},
		"its own, wrong":  {`{"ID":"x","wait_for_previous":"yes"}`, "wait_for_previous: is string, must be boolean"},
	} {
		t.Run(name, func(t *testing.T) {
			var got order
			err := input.Decode([]byte(tc.raw), &got)
			if problem, refused := tc.want.(string); refused {
				require.ErrorContains(t, err, problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestAToolWithoutArguments(t *testing.T) {
	input, err := Input[struct{}]()
	require.NoError(t, err)
	for _, raw := range []string{"", `{}`, `{"wait_for_previous":false}`} {
		require.NoError(t, input.Decode([]byte(raw), new(struct{})), raw)
	}
	require.Error(t, input.Check([]byte(`{"x":null}`)))
}

// A result that has null where its schema does not allow it must not pass.
func TestResultsAreTakenLiterally(t *testing.T) {
	output, err := Output[order]()
	require.NoError(t, err)
	require.ErrorContains(t, output.Check([]byte(`{"ID":"x","Note":null}`)), "Note: is null, must be string")
}

func TestHostArgumentsHaveASource(t *testing.T) {
	for name, source := range hostArguments {
		require.NotEmpty(t, name)
		require.Contains(t, source, "https://github.com/", name)
	}
}

func TestBounds(t *testing.T) {
	input, err := Input[CreateMessageInteraction](Bound{Argument: "Body", MaxLength: 300}, Bound{Argument: "ServiceSid"})
	require.NoError(t, err)
	require.Contains(t, string(input.JSON()), `"Body":{"type":"string","maxLength":300,"description":"Text of the message. Required unless MediaUrl is given. At most 300 characters."}`)
	unbounded, err := Input[CreateMessageInteraction](Bound{Argument: "Body", MaxLength: 0})
	require.NoError(t, err)
	require.NotContains(t, string(unbounded.JSON()), `"maxLength":300`, "a bound is of one Document alone")
	without, err := Input[CreateMessageInteraction]()
	require.NoError(t, err)
	require.Equal(t, string(without.JSON()), string(unbounded.JSON()))

	const sids = `"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
	for _, character := range []string{"a", "é", "€", "😀", `\n`, `\u00e9`, `\ud83d\ude00`} {
		arguments := func(n int) []byte { return []byte(`{` + sids + `,"Body":"` + strings.Repeat(character, n) + `"}`) }
		require.NoError(t, input.Decode(arguments(1), new(CreateMessageInteraction)), character)
		require.NoError(t, input.Decode(arguments(300), new(CreateMessageInteraction)), character)
		require.EqualError(t, input.Decode(arguments(301), new(CreateMessageInteraction)), "Body: has 301 characters, must have at most 300", character)
		require.NoError(t, unbounded.Decode(arguments(10_000), new(CreateMessageInteraction)), character)
	}
	long := []byte(`{` + sids + `,"Body":"` + strings.Repeat("a", 301) + `"}`)
	body, other := Bound{Argument: "Body", MaxLength: 300}, Bound{Argument: "ServiceSid", MaxLength: 10_000}
	for _, bounds := range [][]Bound{{body, other}, {other, body}} {
		two, err := Input[CreateMessageInteraction](bounds...)
		require.NoError(t, err)
		require.EqualError(t, two.Decode(long, new(CreateMessageInteraction)), "Body: has 301 characters, must have at most 300")
	}
	for _, wrong := range []string{"Text", "MediaUrl", ""} {
		_, err := Input[CreateMessageInteraction](Bound{Argument: wrong, MaxLength: 5})
		require.ErrorContains(t, err, "bound", wrong)
	}
}

// The check of URLs is as strict as the format uri was, which is no longer
// published.
func FuzzMediaURLs(f *testing.F) {
	compiler := validator.NewCompiler()
	compiler.AssertFormat()
	require.NoError(f, compiler.AddResource("uri.json", map[string]any{"type": "string", "format": "uri"}))
	uri, err := compiler.Compile("uri.json")
	require.NoError(f, err)
	for _, seed := range []string{"https://example.com/a", "http://[::1]:80/a", "https://[::1%25eth0]/a", "https://[1:2]/a", "https://exa mple.com", "https://:80", "https://a:b", "https://a/%zz",
		"https://u:p@example.com/?q#f", "http://\x7f/", "https:/a", "https:a", "//example.com", "HTTPS://example.com", "https://é.example/", "", "ftp://example.com", "https://[", "http://1:2:3/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if checkMediaURL(url) == nil {
			require.NoError(t, uri.Validate(url))
			require.Regexp(t, "^https?://", url)
		}
	})
}

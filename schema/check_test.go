package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

const (
	serviceSid     = "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sessionSid     = "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	participantSid = "KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

	sids = `"ServiceSid":"` + serviceSid + `","SessionSid":"` + sessionSid + `","ParticipantSid":"` + participantSid + `"`
)

const validNames = "ServiceSid, SessionSid, ParticipantSid, Body, MediaUrl"

func TestCheck(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	missing := []string{
		"ParticipantSid: is missing, and it is required",
		"ServiceSid: is missing, and it is required",
		"SessionSid: is missing, and it is required",
		"Body: there is nothing to send; give Body a text of at least one character, or give MediaUrl",
	}
	for name, tc := range map[string]struct {
		raw  string
		want []string
	}{
		"valid":            {`{` + sids + `,"Body":"hello"}`, nil},
		"media alone":      {`{` + sids + `,"MediaUrl":["https://example.com/a.png"]}`, nil},
		"empty media":      {`{` + sids + `,"Body":"hello","MediaUrl":[]}`, nil},
		"no arguments":     {"", missing},
		"empty object":     {"{}", missing},
		"null":             {"null", []string{"arguments: are null, must be an object with the fields " + validNames}},
		"array":            {"[]", []string{"arguments: are an array, must be an object with the fields " + validNames}},
		"string":           {`"x"`, []string{"arguments: are a string, must be an object with the fields " + validNames}},
		"short SID":        {strings.Replace(`{`+sids+`,"Body":"x"}`, serviceSid, "KSaaa", 1), []string{`ServiceSid: begins with "KS", must match ^KS[0-9a-fA-F]{32}$`, "ServiceSid: has 5 characters, must have exactly 34"}},
		"long SID":         {strings.Replace(`{`+sids+`,"Body":"x"}`, serviceSid, serviceSid+"a", 1), []string{`ServiceSid: begins with "KS", must match ^KS[0-9a-fA-F]{32}$`, "ServiceSid: has 35 characters, must have exactly 34"}},
		"wrong prefix":     {strings.Replace(`{`+sids+`,"Body":"x"}`, sessionSid, participantSid, 1), []string{`SessionSid: begins with "KP", must match ^KC[0-9a-fA-F]{32}$`}},
		"newline after":    {strings.Replace(`{`+sids+`,"Body":"x"}`, sessionSid, sessionSid[:33]+`\n`, 1), []string{`SessionSid: begins with "KC", must match ^KC[0-9a-fA-F]{32}$; character 34 is U+000A (a line break)`}},
		"path traversal":   {strings.Replace(`{`+sids+`,"Body":"x"}`, serviceSid, "../../evil?x=", 1), []string{`ServiceSid: begins with "..", must match ^KS[0-9a-fA-F]{32}$`, "ServiceSid: has 13 characters, must have exactly 34"}},
		"wrong type":       {`{` + sids + `,"Body":1}`, []string{"Body: is number, must be string"}},
		"number no float":  {`{` + sids + `,"Body":-1e400}`, []string{"Body: is number, must be string"}},
		"deepest":          {`{` + sids + `,"Body":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, []string{"Body: is array, must be string"}},
		"too deep":         {`{` + sids + `,"Body":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, []string{"arguments: nest more than 32 deep"}},
		"twice, escaped":   {`{` + sids + `,"a/b":1,"a/b":2}`, []string{`"a/b": is given more than once; give it once`}},
		"null body":        {`{` + sids + `,"Body":null}`, missing[3:]},
		"null body, media": {`{` + sids + `,"Body":null,"MediaUrl":["https://example.com/a"]}`, nil},
		"null media":       {`{` + sids + `,"Body":"x","MediaUrl":null}`, nil},
		"all null":         {`{` + sids + `,"Body":null,"MediaUrl":null}`, missing[3:]},
		"null, required":   {strings.Replace(`{`+sids+`,"Body":"x"}`, `"`+serviceSid+`"`, "null", 1), []string{"ServiceSid: is null, must be string"}},
		"null in a list":   {`{` + sids + `,"MediaUrl":[null]}`, []string{"MediaUrl[0]: is null, must be string"}},
		"null, unknown":    {`{` + sids + `,"Body":"x","To":null}`, []string{"To: is no argument of this tool; valid are " + validNames}},
		"from hosts":       {`{` + sids + `,"Body":"x","wait_for_previous":true,"task_progress":"- [x] a","toolCallId":"call_1"}`, nil},
		"from hosts, null": {`{` + sids + `,"Body":"x","wait_for_previous":null,"toolCallId":{"a":[null]}}`, nil},
		"like a host's":    {`{` + sids + `,"Body":"x","Wait_for_previous":true,"waitForPrevious":true}`, []string{"Wait_for_previous: is no argument of this tool; valid are " + validNames, "waitForPrevious: is no argument of this tool; valid are " + validNames}},
		"host's twice":     {`{` + sids + `,"Body":"x","toolCallId":1,"toolCallId":1}`, []string{"toolCallId: is given more than once; give it once"}},
		"empty body":       {`{` + sids + `,"Body":""}`, missing[3:]},
		"nothing to send":  {`{` + sids + `}`, missing[3:]},
		"media no array":   {`{` + sids + `,"MediaUrl":"https://example.com/a.png"}`, []string{"MediaUrl: is string, must be array"}},
		"media no URL":     {`{` + sids + `,"MediaUrl":["no uri"]}`, []string{"MediaUrl[0]: must be an absolute URL that begins with http:// or https://"}},
		"media no host":    {`{` + sids + `,"MediaUrl":["https://","http:///a"]}`, []string{"MediaUrl[0]: must be an absolute URL that begins with http:// or https://", "MediaUrl[1]: must be an absolute URL that begins with http:// or https://"}},
		"media port alone": {`{` + sids + `,"MediaUrl":["https://:80/","https://u@:80/"]}`, []string{"MediaUrl[0]: must be an absolute URL that begins with http:// or https://", "MediaUrl[1]: must be an absolute URL that begins with http:// or https://"}},
		"media malformed":  {`{` + sids + `,"MediaUrl":["https://exa mple.com/","https://[::1]/a"]}`, []string{"MediaUrl[0]: is no URI"}},
		"media upper case": {`{` + sids + `,"MediaUrl":["HTTPS://example.com/a"]}`, []string{"MediaUrl[0]: must be an absolute URL that begins with http:// or https://"}},
		"media by ftp":     {`{` + sids + `,"MediaUrl":["https://example.com/a","ftp://example.com/a"]}`, []string{"MediaUrl[1]: must be an absolute URL that begins with http:// or https://"}},
		"media, ten":       {`{` + sids + `,"MediaUrl":[` + strings.Repeat(`"https://example.com/a",`, 9) + `"http://a"]}`, nil},
		"media, eleven":    {`{` + sids + `,"MediaUrl":[` + strings.Repeat(`"https://example.com/a",`, 10) + `"no uri"]}`, []string{"MediaUrl: has 11 items, must have at most 10"}},
		"unknown name":     {`{` + sids + `,"Body":"x","To":"y"}`, []string{"To: is no argument of this tool; valid are " + validNames}},
		"wrong case":       {`{` + sids + `,"body":"x"}`, []string{"body: is no argument of this tool; valid are " + validNames, missing[3]}},
		"twice":            {`{` + sids + `,"Body":"x","Body":"y"}`, []string{"Body: is given more than once; give it once"}},
		"twice by escape":  {`{` + sids + `,"Body":"x","\u0042ody":"y"}`, []string{"Body: is given more than once; give it once"}},
		"not UTF-8":        {`{` + sids + `,"Body":"` + "\xff" + `"}`, []string{"Body: is not valid UTF-8"}},
		"lone surrogate":   {`{` + sids + `,"Body":"\ud800"}`, []string{"arguments: are not valid JSON at byte 163"}},
		"deep":             {strings.Repeat(`{"a":`, 100000), []string{"arguments: nest more than 32 deep"}},
		"brackets in text": {`{` + sids + `,"Body":"` + strings.Repeat("[{", 100) + `\"["}`, nil},
		"cut off":          {`{` + sids, []string{"arguments: are not valid JSON at byte 154"}},
		"two values":       {`{} {}`, []string{"arguments: are not valid JSON at byte 3"}},
		"all at once": {`{"ServiceSid":"abcde","Body":1,"x":2}`, []string{
			"Body: is number, must be string", missing[0],
			`ServiceSid: begins with "ab", must match ^KS[0-9a-fA-F]{32}$`, "ServiceSid: has 5 characters, must have exactly 34",
			missing[2], "x: is no argument of this tool; valid are " + validNames,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := input.Check([]byte(tc.raw))
			require.Equal(t, err, input.Decode([]byte(tc.raw), new(schema.CreateMessageInteraction)))
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, schema.Problems(tc.want), err)
		})
	}
}

func TestCheckCountsWhatItDoesNotName(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	for names, last := range map[int]string{
		20:     "is no argument of this tool; valid are " + validNames,
		21:     "arguments: have 1 more problems like these",
		80_000: "arguments: have 79980 more problems like these",
	} {
		var raw strings.Builder
		for i := range names {
			fmt.Fprintf(&raw, `,"n%d":1`, i)
		}
		var problems schema.Problems
		require.ErrorAs(t, input.Check([]byte(`{`+sids+`,"Body":"x"`+raw.String()+`}`)), &problems)
		require.Len(t, problems, min(names, 21))
		require.True(t, strings.HasSuffix(problems[len(problems)-1], last), problems[len(problems)-1])
	}
}

// A misplaced value may be somebody's number or words.
func TestCheckRepeatsNoValue(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	secret := "+15550123456 meet me at the corner"
	for _, raw := range []string{
		`{` + sids + `,"Body":["` + secret + `"]}`,
		`{"ServiceSid":"` + secret + `"}`,
		`{` + sids + `,"MediaUrl":["` + secret + `"]}`,
		`{"Body":"` + secret + `","Body":"` + secret + `"}`,
		`"` + secret + `"`,
	} {
		got := input.Check([]byte(raw))
		require.Error(t, got)
		require.NotContains(t, got.Error(), secret[2:])
	}
}

func FuzzCheck(f *testing.F) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(f, err)
	for _, seed := range []string{
		`{` + sids + `,"Body":"hello"}`, `{` + sids + `,"MediaUrl":["https://example.com/a"]}`, `{}`, `null`, `[]`, ``,
		`{` + sids + `,"Body":"x","Body":"y"}`, `{` + sids + `,"body":"x"}`, `{` + sids + `,"Body":null}`, "{\"Body\":\"\xff\"}",
		`{` + sids + `,"Body":"x","MediaUrl":null}`, `{` + sids + `,"Body":"x","To":null}`, `{` + sids + `,"Body":""}`, `{` + sids + `,"Body":1}`,
		`{` + sids + `,"Body":null,"MediaUrl":["http://a"],"wait_for_previous":true}`, `{` + sids + `,"MediaUrl":["https://[::1%25a]/"]}`,
		`{` + sids + `,"\u0042ody":"x"} `, `{` + sids + `,"Body":"x"}{}`, `{"Body":"x",` + sids + `,"ServiceSid":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		problems := input.Check(raw)
		var checked, request schema.CreateMessageInteraction
		require.Equal(t, problems, input.Decode(raw, &checked), "Decode may skip the validator, but must give its answer")
		decoded := jsonv2.Unmarshal(raw, &request)
		if problems == nil {
			require.NoError(t, decoded, "accepted, so it decodes")
			require.Equal(t, request, checked)
			require.NoError(t, request.Validate(), "accepted, so it may be sent")
			require.NotContains(t, request.Path(), "..")
			return
		}
		require.NotEmpty(t, problems.Error())
		require.True(t, utf8.ValidString(problems.Error()))
		if decoded == nil && request.Validate() == nil {
			requireOnlyStrictness(t, problems)
		}
	})
}

// requireOnlyStrictness checks why Check refused JSON that decodes to a valid
// request. The only reasons are rules that decoding does not apply: unknown
// names and depth.
func requireOnlyStrictness(t *testing.T, problems error) {
	t.Helper()
	for _, sentence := range problems.(schema.Problems) {
		strict := strings.Contains(sentence, "is no argument of this tool") || strings.Contains(sentence, "nest more than") ||
			strings.Contains(sentence, "]: is null, must be")
		require.True(t, strict, sentence)
	}
}

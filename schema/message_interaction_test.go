package schema_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// example is the response in Twilio's documentation of this operation.
const example = `{"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","inbound_participant_sid":null,"inbound_resource_sid":null,"inbound_resource_status":null,"inbound_resource_type":null,"inbound_resource_url":null,"outbound_participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","outbound_resource_type":"Message","outbound_resource_url":null,"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","type":"message","url":"https://proxy.twilio.com/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions/KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","session_sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`

func TestExampleGoesThroughByteForByte(t *testing.T) {
	mi, misfits, err := schema.DecodeMessageInteraction([]byte(example))
	require.NoError(t, err)
	require.Empty(t, misfits)
	encoded, err := json.Marshal(mi)
	require.NoError(t, err)
	require.Equal(t, example, string(encoded))

	output, err := schema.Output[schema.MessageInteraction]()
	require.NoError(t, err)
	require.NoError(t, output.Check(encoded))
}

func TestDecodeMakesAnyAnswerFit(t *testing.T) {
	output, err := schema.Output[schema.MessageInteraction]()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		answer  string
		misfits []string
	}{
		"nothing in it":     {`{}`, nil},
		"more than we know": {`{"new_field":{"a":[1]}}`, nil},
		"a new status":      {`{"outbound_resource_status":"teleported"}`, []string{"outbound_resource_status"}},
		"a new type":        {`{"type":"fax"}`, []string{"type"}},
		"unknown itself":    {`{"type":"unknown","outbound_resource_status":"unknown"}`, nil},
		"wrong shapes":      {`{"sid":7,"data":{"body":"x"},"url":[],"account_sid":"AC","type":null}`, []string{"account_sid", "data", "sid", "url"}},
		"a name twice":      {`{"sid":null,"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, nil},
		"not UTF-8":         {"{\"data\":\"\xff\"}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			mi, misfits, err := schema.DecodeMessageInteraction([]byte(tc.answer))
			require.NoError(t, err)
			var names []string
			for _, field := range output.Fields() {
				if _, is := misfits[field]; is {
					names = append(names, field)
				}
			}
			require.ElementsMatch(t, tc.misfits, names)
			encoded, err := json.Marshal(mi)
			require.NoError(t, err)
			require.NoError(t, output.Check(encoded), "a strict client enforces the published schema")
		})
	}
	for _, answer := range []string{``, `null`, `[]`, `"x"`, `<html>`, `{"sid":`} {
		_, _, err := schema.DecodeMessageInteraction([]byte(answer))
		require.Error(t, err, answer)
	}
}

func FuzzDecodeMessageInteraction(f *testing.F) {
	output, err := schema.Output[schema.MessageInteraction]()
	require.NoError(f, err)
	f.Add([]byte(example))
	f.Add([]byte(`{"type":"fax","sid":1}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		mi, _, err := schema.DecodeMessageInteraction(answer)
		if err != nil {
			return
		}
		encoded, err := json.Marshal(mi)
		require.NoError(t, err)
		require.NoError(t, output.Check(encoded))
		requireAppended(t, mi)
	})
}

func TestSids(t *testing.T) {
	for _, bad := range []string{"", "KS", "../../evil?x=", "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ksaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaag", "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e4", serviceSid + "\n"} {
		sid, err := schema.ParseSid[schema.KS](bad)
		require.Error(t, err, bad)
		require.True(t, sid.IsZero())
	}
	sid, err := schema.ParseSid[schema.KS](serviceSid)
	require.NoError(t, err)
	require.Equal(t, serviceSid, sid.String())
	_, err = schema.ParseSid[schema.AnyPrefix]("1Maaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	require.EqualError(t, err, `begins with "1M", must begin with two letters`)
	require.Panics(t, func() { schema.MustSid[schema.KS]("x") })
}

// SIDs become part of a URL path. Every way to set one must check every character,
// or a bad character could change the path.
func TestEveryCharacterOfASidIsHeldToItsRule(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(t, err)
	bad := []string{"KS/../../../../evil?x=aaaaaaaaaaaa", "KSaaaaaaaaaaaaaaaaaaa/../../evil?x", "../../evil?x=aaaaaaaaaaaaaaaaaaaaa"}
	for i := range len(serviceSid) {
		for _, c := range []string{"/", ".", "?", "%", "#", "g", "G", "`", ":", "@", " ", "\n", "\x00"} {
			bad = append(bad, serviceSid[:i]+c+serviceSid[i+1:])
		}
	}
	for _, sid := range bad {
		require.Len(t, sid, len(serviceSid))
		_, err := schema.ParseSid[schema.KS](sid)
		require.Error(t, err, "%q", sid)
		raw, err := json.Marshal(map[string]string{"ServiceSid": sid, "SessionSid": sessionSid, "ParticipantSid": participantSid, "Body": "x"})
		require.NoError(t, err)
		require.Error(t, input.Check(raw), "%q", sid)
		require.Error(t, input.Decode(raw, new(schema.CreateMessageInteraction)), "%q", sid)
	}
}

func TestValidateIsForGoCallers(t *testing.T) {
	require.EqualError(t, schema.CreateMessageInteraction{Body: "\xff", MediaUrl: []string{"ftp://x", "http://", "https://[1:2]/", "HTTP://example.com", "https://example.com/\xff"}}.Validate(),
		"ServiceSid: is missing\nSessionSid: is missing\nParticipantSid: is missing\nBody: is not valid UTF-8\n"+
			"MediaUrl[0]: must be an absolute URL that begins with http:// or https://\nMediaUrl[1]: must be an absolute URL that begins with http:// or https://\n"+
			"MediaUrl[2]: is no URI\nMediaUrl[3]: must be an absolute URL that begins with http:// or https://\nMediaUrl[4]: is not valid UTF-8")
}

func TestFormIsWhatPackageURLWrites(t *testing.T) {
	media := []string{"https://example.com/a?b=c&d=e+f", "http://example.com/\u00e9 %"}
	for _, r := range []schema.CreateMessageInteraction{{}, {Body: "a b&c=d;\u20ac+%\n"}, {MediaUrl: media}, {Body: "x", MediaUrl: media}} {
		want := url.Values{}
		if r.Body != "" {
			want.Set("Body", r.Body)
		}
		for _, u := range r.MediaUrl {
			want.Add("MediaUrl", u)
		}
		require.Equal(t, want.Encode(), r.Form())
	}
}

func ExampleCreateMessageInteraction() {
	request := schema.CreateMessageInteraction{
		ServiceSid:     schema.MustSid[schema.KS]("KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		SessionSid:     schema.MustSid[schema.KC]("KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		ParticipantSid: schema.MustSid[schema.KP]("KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		Body:           "some message",
	}
	fmt.Println(request.Path())
	fmt.Println(request.Form())
	// Output:
	// /v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions
	// Body=some+message
}

func BenchmarkCheckAndDecode(b *testing.B) {
	input, err := schema.Input[schema.CreateMessageInteraction]()
	require.NoError(b, err)
	raw := []byte(`{` + sids + `,"Body":"some message"}`)
	b.ReportAllocs()
	for b.Loop() {
		var request schema.CreateMessageInteraction
		if input.Decode(raw, &request) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkDecodeMessageInteraction(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := schema.DecodeMessageInteraction([]byte(example)); err != nil {
			b.Fatal(err)
		}
	}
}

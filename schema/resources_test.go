package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

const fullSession = `{"sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","unique_name":"order 1234","status":"open",` +
	`"closed_reason":"","mode":"message-only","ttl":3600,"date_started":"2015-07-30T20:00:00Z","date_expiry":"2015-07-30T20:00:00Z",` +
	`"date_last_interaction":"2015-07-30T20:00:00Z","date_created":"2015-07-30T20:00:00Z"}`

func TestAResourceIsReadWhateverIsWrongWithIt(t *testing.T) {
	nulls := `{"sid":null,"service_sid":null,"unique_name":null,"status":null,"closed_reason":null,"mode":null,"ttl":null,"date_started":null,"date_expiry":null,"date_last_interaction":null,"date_created":null}`
	for name, tc := range map[string]struct {
		answer, read string
		misfits      map[string]string
	}{
		"as documented":                    {fullSession, fullSession, nil},
		"nothing in it":                    {`{}`, nulls, nil},
		"every field null":                 {nulls, nulls, nil},
		"more than we know":                {`{"links":{"interactions":"x"},"new":[1],"TTL":5}`, nulls, nil},
		"a name twice":                     {`{"ttl":1,"status":7,"ttl":2,"status":"open"}`, strings.NewReplacer(`"ttl":null`, `"ttl":2`, `"status":null`, `"status":"open"`).Replace(nulls), nil},
		"a name twice, the last one wrong": {`{"ttl":1,"ttl":"2"}`, nulls, map[string]string{"ttl": `"2"`}},
		"not UTF-8":                        {"{\"status\":\"a\xffb\",\"\xff\":1}", strings.Replace(nulls, `"status":null`, `"status":"a`+"\ufffd"+`b"`, 1), nil},
		"other types": {`{"sid":7,"service_sid":"KS","unique_name":["a"],"status":{},"closed_reason":true,"mode":1.5,"ttl":"3600"}`, nulls, map[string]string{
			"sid": `7`, "service_sid": `"KS"`, "unique_name": `["a"]`, "status": `{}`, "closed_reason": `true`, "mode": `1.5`, "ttl": `"3600"`}},
		"another's SID":         {`{"sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, nulls, map[string]string{"sid": `"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`}},
		"white space around it": {strings.Repeat(" ", 100) + `{"ttl":5}` + "\n", strings.Replace(nulls, `"ttl":null`, `"ttl":5`, 1), nil},
	} {
		session, misfits, err := schema.DecodeResource[schema.Session]([]byte(tc.answer))
		require.NoError(t, err, name)
		encoded, err := json.Marshal(session)
		require.NoError(t, err)
		require.JSONEq(t, tc.read, string(encoded), name)
		require.Len(t, misfits, len(tc.misfits), name)
		for field, raw := range tc.misfits {
			require.Equal(t, raw, string(misfits[field]), name)
		}
	}
	for number, fits := range map[string]bool{"0": true, "-1": true, "9223372036854775807": true, "9223372036854775808": false, "1e400": false, "1e3": false, "1.5": false, "-0": true} {
		session, misfits, err := schema.DecodeResource[schema.Session]([]byte(`{"sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ttl":` + number + `}`))
		require.NoError(t, err)
		require.Equal(t, fits, session.Ttl != nil, number)
		require.Equal(t, !fits, misfits != nil, number)
		require.NotNil(t, session.Sid, "the others count")
	}
	for _, answer := range []string{``, `null`, `[]`, `"x"`, `7`, `{`, `{"ttl":1}{}`, "\ufeff{}", `{"sid":}`} {
		_, _, err := schema.DecodeResource[schema.Session]([]byte(answer))
		require.EqualError(t, err, "the answer is no JSON object", answer)
	}
}

// requireDecoded checks what holds for any answer: what was read fits what is published, and reads the same again.
func requireDecoded[R schema.Resource](t *testing.T, answer []byte) {
	r, misfits, err := schema.DecodeResource[R](answer)
	if err != nil {
		require.Zero(t, r)
		require.Nil(t, misfits)
		return
	}
	for field, raw := range misfits {
		require.NotEmpty(t, field)
		require.NotEqual(t, "null", string(raw))
	}
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	again, misfits, err := schema.DecodeResource[R](encoded)
	require.NoError(t, err)
	require.Nil(t, misfits)
	require.Equal(t, r, again)
}

func FuzzDecodeResource(f *testing.F) {
	for _, answer := range []string{fullSession, example, `{"ttl":1e400}`, `{"sid":null,"sid":7}`, "{\"friendly_name\":\"\xff\"}", `{"type":"fax","date_deleted":[]}`, `null`} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		requireDecoded[schema.Service](t, answer)
		requireDecoded[schema.Session](t, answer)
		requireDecoded[schema.Participant](t, answer)
		requireDecoded[schema.MessageInteraction](t, answer)
	})
}

func TestSame(t *testing.T) {
	lower, upper := schema.MustSid[schema.AnyPrefix]("SM"+strings.Repeat("a", 32)), schema.MustSid[schema.AnyPrefix]("SM"+strings.Repeat("A", 32))
	require.True(t, lower.Same(upper))
	require.True(t, upper.Same(upper))
	require.False(t, lower.Same(schema.MustSid[schema.AnyPrefix]("sm"+strings.Repeat("a", 32))), "the letters are no digits")
	require.False(t, lower.Same(schema.MustSid[schema.AnyPrefix]("SM"+strings.Repeat("a", 31)+"b")))
	require.False(t, lower.Same(schema.ResourceSid{}))
	require.False(t, schema.ResourceSid{}.Same(schema.ResourceSid{}), "nothing is identified")
}

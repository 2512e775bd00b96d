package schema_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// mebibyte repeats a piece of JSON between two others; a %d in it is a number of its own each time.
func mebibyte(before, piece, after string) []byte {
	var b strings.Builder
	b.WriteString(before)
	for i := 0; b.Len()+len(piece)+len(after)+8 < 1<<20; i++ {
		if strings.Contains(piece, "%d") {
			fmt.Fprintf(&b, piece, i)
		} else {
			b.WriteString(piece)
		}
	}
	b.WriteString(after)
	return []byte(b.String())
}

const tooManyItems = "items, must have at most 10"

// What a check costs and what it says is bounded by what it is given, whatever that is.
func TestACheckTakesAFewTimesWhatItReads(t *testing.T) {
	input, err := schema.Input[schema.CreateMessageInteraction](schema.Bound{Argument: "Body", MaxLength: 1600})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		raw   []byte
		first string // the first problem; "" if there is none
	}{
		"numbers":           {mebibyte(`{`+sids+`,"MediaUrl":[0`, `,0`, `]}`), tooManyItems},
		"texts":             {mebibyte(`{`+sids+`,"MediaUrl":[""`, `,""`, `]}`), tooManyItems},
		"lists":             {mebibyte(`{`+sids+`,"MediaUrl":[[]`, `,[]`, `]}`), tooManyItems},
		"nested lists":      {mebibyte(`{`+sids+`,"MediaUrl":[[[[[]]]]`, `,[[[[[]]]]]`, `]}`), tooManyItems},
		"nulls":             {mebibyte(`{`+sids+`,"MediaUrl":[null`, `,null`, `]}`), tooManyItems},
		"URLs":              {mebibyte(`{`+sids+`,"MediaUrl":["http://a"`, `,"http://a"`, `]}`), tooManyItems},
		"objects":           {mebibyte(`{"ServiceSid":[{"":0}`, `,{"":0}`, `]}`), "Body: there is nothing to send"},
		"an object":         {mebibyte(`{"ServiceSid":{"":0`, `,"%d":0`, `}}`), "ParticipantSid: is missing"},
		"unknown names":     {mebibyte(`{`+sids, `,"n%d":0`, `}`), "n0: is no argument of this tool"},
		"a name":            {mebibyte(`{`+sids+`,"`, `n`, `":0}`), `"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...": is no argument of this tool`},
		"a SID":             {mebibyte(`{"ServiceSid":"`, `K`, `"}`), `Body: there is nothing to send`},
		"escapes":           {mebibyte(`{`+sids+`,"Body":"`, `\u00e9`, `"}`), "characters, must have at most 1600"},
		"digits":            {mebibyte(`{`+sids+`,"Body":1`, `0`, `}`), "Body: is number, must be string"},
		"one name twice":    {mebibyte(`{`+sids+`,"":0`, `,"":0`, `}`), `"": is given more than once; give it once`},
		"nesting":           {mebibyte(`{`+sids+`,"MediaUrl":`, `[`, ``), "arguments: nest more than 32 deep"},
		"a host's argument": {mebibyte(`{`+sids+`,"Body":"x","toolCallId":[0`, `,0`, `]}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, input.Check([]byte(`{}`))) // compiles the schema
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := input.Decode(c.raw, new(schema.CreateMessageInteraction))
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20*len(c.raw)))
			t.Logf("%.1f times", float64(after.TotalAlloc-before.TotalAlloc)/float64(len(c.raw)))
			if c.first == "" {
				require.NoError(t, err)
				return
			}
			require.Less(t, len(err.Error()), 4096)
			require.Contains(t, err.Error(), c.first)
		})
	}
}

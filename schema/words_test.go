package schema

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWordsAreTheBodyAsItStands(t *testing.T) {
	for data, want := range map[string]struct {
		text  string // "-" is none
		media int
	}{
		`{"body":" a\r\n"}`: {" a\r\n", 0},
		`{"body":""}`:       {"", 0},
		`{"body":"a","media_url":["https://x","https://y"],"media_type":"image"}`:                         {"a", 2},
		`{"media":[],"media_a":[1,2,3],"media_b":[1],"media_c":"https://x","media_d":[1,2],"media_e":""}`: {"-", 3},
		`{"MediaUrl":"https://x"}`:                                   {"-", 1},
		`{"media":[],"media_url":"","media_sid":null,"medialess":5}`: {"-", 0},
		`{"body":5,"media":[1]}`:                                     {"-", 1},
		`{"Body":"a"}`:                                               {"-", 0},
		`{"body":"a","body":"b\ud800\xff"}`:                          {"-", 0},
		`{"body":"a","body":"b\ud800"}`:                              {"b\ufffd", 0},
		`[{"body":"a"}]`:                                             {"-", 0},
		`null`:                                                       {"-", 0},
		``:                                                           {"-", 0},
		`a`:                                                          {"-", 0},
	} {
		text, media := (&MessageInteraction{Data: &data}).Words(nil)
		if want.text == "-" {
			require.Nil(t, text, data)
		} else {
			require.Equal(t, want.text, *text, data)
		}
		require.Equal(t, want.media, media, data)
		again, _ := new(MessageInteraction).Words(map[string]json.RawMessage{"data": json.RawMessage(data)})
		require.Equal(t, text, again, "as an object instead of a text")
	}
	text, media := new(MessageInteraction).Words(nil)
	require.Nil(t, text)
	require.Zero(t, media)
}

package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The validator takes 5.0 as an integer, so the reader has to.
func TestAWholeNumberMayBeWrittenWithAFraction(t *testing.T) {
	type counted struct {
		N    int   `json:"N,omitempty"`
		List []int `json:"List,omitempty"`
	}
	input, err := Input[counted]()
	require.NoError(t, err)
	for raw, want := range map[string]counted{
		`{"N":5}`:                  {N: 5},
		`{"N":5.0,"List":[1.0,2]}`: {N: 5, List: []int{1, 2}},
		`{"N":-5e0}`:               {N: -5},
		`{"N":null}`:               {},
	} {
		var got counted
		require.NoError(t, input.Decode([]byte(raw), &got), raw)
		require.Equal(t, want, got)
	}
	for _, raw := range []string{`{"N":1.5}`, `{"N":"5"}`, `{"N":1e300}`, `{"N":1e999}`, `{"List":[null]}`} {
		require.Error(t, input.Decode([]byte(raw), new(counted)), raw)
	}
}

package schema

import (
	"errors"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wholeNumbers reads an int as JSON Schema has it: 5.0 is an integer, too. Programs that have one type for all numbers
// write it so.
var wholeNumbers = jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(in *jsontext.Decoder, n *int) error {
	if in.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	token, err := in.ReadToken()
	if err != nil {
		return err
	}
	number, err := token.Float()
	if *n = int(number); err != nil || float64(*n) != number {
		return errors.New("is no whole number, or too large")
	}
	return nil
}))

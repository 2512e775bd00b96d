package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"twilio-proxy-mcp/cmd/internal/config"
)

// checkFlags is an option for kong. It puts a check of the value before the mapper of every flag, so a new flag is
// checked without further ado. A flag with the tag "content" is left alone: it carries a message, not a setting.
func checkFlags(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && !flag.Tag.Has("content") {
			flag.Mapper = checked{flag.Mapper}
		}
		return next(nil)
	})
}

// checked decodes a flag's value after the value was checked and cleaned.
type checked struct{ kong.Mapper }

func (c checked) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	token := ctx.Scan.Peek()
	text, isText := token.Value.(string)
	if target.Kind() == reflect.Bool && token.Type != kong.FlagValueToken {
		isText = false // the flag has no value; this is the next argument
	}
	if isText && token.IsValue() {
		value, err := checkedValue(ctx.Value, text)
		if err != nil {
			return err
		}
		ctx.Scan.Pop()
		ctx.Scan.PushTyped(value, token.Type)
	}
	return c.Mapper.Decode(ctx, target)
}

func checkedValue(of *kong.Value, text string) (string, error) {
	switch of.Tag.Type {
	case "path":
		return config.File(text, os.Getenv)
	case "ledger":
		value, err := config.Value(text)
		if err == nil && value != "" {
			_, err = config.ParseLedger(value, os.Getenv)
		}
		return value, err
	}
	value, err := config.Value(text)
	if err != nil || !of.IsSlice() || value == "" {
		return value, err
	}
	elements := kong.SplitEscaped(value, of.Tag.Sep)
	for i, element := range elements {
		elements[i], err = config.Value(strings.TrimSpace(element))
		if err == nil && elements[i] == "" {
			err = errors.New("an element of the list is empty")
		}
		if err != nil {
			return "", err
		}
	}
	return kong.JoinEscaped(elements, of.Tag.Sep), nil
}

// fromEnvironment gives kong the values of the flags' variables, and notes in used which flags have their value from
// which variable. kong can read the variables itself, but then it shows their values in its errors.
func fromEnvironment(used map[string]string) kong.ResolverFunc {
	return func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if value, ok := os.LookupEnv(name); ok {
				used[flag.Name] = name
				return value, nil
			}
		}
		return nil, nil
	}
}

// withVariables adds to an error's text from which variables the flags that it names have their values.
func withVariables(err error, used map[string]string) error {
	for _, flag := range slices.Sorted(maps.Keys(used)) {
		if regexp.MustCompile(`--` + flag + `($|[^a-z-])`).MatchString(err.Error()) {
			err = fmt.Errorf("%w (--%s is set by %s)", err, flag, used[flag])
		}
	}
	return err
}

// setting returns the value of a variable.
func setting(name string) (string, error) {
	value, err := config.Value(os.Getenv(name))
	if err != nil {
		err = usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return value, err
}

package main

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ofOthers are variables that begin like ours and are no settings: those that Kubernetes makes for each service
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables), which is easily named like this
// program, and those of this project's tests.
var ofOthers = regexp.MustCompile(`^TWILIO_PROXY_MCP(_\w+)?_(SERVICE_HOST=|SERVICE_PORT(_\w+)?=|PORT=\w+://|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)` +
	`|^TWILIO_PROXY_MCP_(SOAK|TEST_\w+)=`)

// checkVariables refuses variables that look like settings of this program and are none. A misspelled one would be a setting
// that does not count, in silence. The variables of all subcommands are known.
func checkVariables(model *kong.Application, environment []string) error {
	known := []string{tokenVariable}
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known = append(known, flag.Envs...)
		}
		return next(nil)
	})
	var unknown []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if runtime.GOOS == "windows" { // where the case of a name does not matter
			name = strings.ToUpper(name)
		}
		if strings.HasPrefix(letters(name), letters(environmentPrefix)) && !slices.Contains(known, name) && !ofOthers.MatchString(variable) {
			unknown = append(unknown, fmt.Sprintf("%s is no setting of this program: %s", name, remedy(name, known)))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return usageError{errors.New(strings.Join(unknown, "\n"))}
}

func remedy(name string, known []string) string {
	best, least := "", 0
	for _, candidate := range known {
		if far := distance(strings.ToUpper(name), candidate); best == "" || far < least {
			best, least = candidate, far
		}
	}
	if least > 3 {
		return "unset it; --help shows the variable of each flag"
	}
	return "correct it to " + best + ", or unset it"
}

// letters are the letters of a name in capitals.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 'A' || r > 'Z' {
			return -1
		}
		return r
	}, strings.ToUpper(name))
}

// distance is how many characters must be added, removed or replaced to make one text the other (Levenshtein).
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(to)]
}

// Package schema describes the values of one Proxy operation: its SIDs and enums,
// its request and response, and their JSON Schemas. It also checks raw JSON against
// those schemas.
package schema

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// A Prefix is the two letters that a kind of SID begins with. The types below are
// the only Prefixes. They make SIDs of different kinds different Go types.
type Prefix interface{ letters() string }

// The prefixes in the operation's SIDs (Twilio's OpenAPI description of Proxy v1).
// AnyPrefix is any two letters: an interaction can refer to messages (SM, MM) and
// to calls (CA).
type (
	AC        struct{}
	KC        struct{}
	KI        struct{}
	KP        struct{}
	KS        struct{}
	AnyPrefix struct{}
)

func (AC) letters() string        { return "AC" }
func (KC) letters() string        { return "KC" }
func (KI) letters() string        { return "KI" }
func (KP) letters() string        { return "KP" }
func (KS) letters() string        { return "KS" }
func (AnyPrefix) letters() string { return "[a-zA-Z]{2}" }

// The SIDs by the names of what they identify.
type (
	AccountSid     = Sid[AC]
	SessionSid     = Sid[KC]
	InteractionSid = Sid[KI]
	ParticipantSid = Sid[KP]
	ServiceSid     = Sid[KS]
	ResourceSid    = Sid[AnyPrefix]
)

// sidLength is the length of every SID: two letters and 32 hexadecimal digits
// (Twilio's OpenAPI description).
const sidLength = 34

// A Sid identifies one resource. A value that is not zero has been parsed: it has
// only its prefix and hexadecimal digits, and is safe in a URL path. Sids are
// comparable.
type Sid[P Prefix] struct{ value string }

// ParseSid reads a SID. The error says which rule s breaks. It quotes at most the
// first two characters of s, and names the odd ones of a SID that has a few.
func ParseSid[P Prefix](s string) (Sid[P], error) {
	var p P
	if !(sidPattern{letters: p.letters()}).MatchString(s) {
		return Sid[P]{}, errors.New(whyNoSid(p.letters(), s))
	}
	return Sid[P]{value: s}, nil
}

// MustSid is ParseSid for SIDs in source code. It panics on an error.
func MustSid[P Prefix](s string) Sid[P] {
	sid, err := ParseSid[P](s)
	if err != nil {
		panic(fmt.Sprintf("schema.MustSid(%q): %v", s, err))
	}
	return sid
}

func hasPrefix(letters, s string) bool {
	if len(letters) == 2 {
		return s[:2] == letters
	}
	return isLetter(s[0]) && isLetter(s[1])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// String returns the 34 characters, or "" for the zero value.
func (s Sid[P]) String() string { return s.value }

// IsZero reports whether s is the zero value, which identifies nothing.
func (s Sid[P]) IsZero() bool { return s.value == "" }

// Same reports whether both identify the same resource: their hexadecimal digits may be in either case, their letters may
// not. The zero value identifies none.
func (s Sid[P]) Same(other Sid[P]) bool {
	return !s.IsZero() && !other.IsZero() && s.value[:2] == other.value[:2] && strings.EqualFold(s.value[2:], other.value[2:])
}

// MarshalText returns the 34 characters; it never fails.
func (s Sid[P]) MarshalText() ([]byte, error) { return []byte(s.value), nil }

// AppendText appends the 34 characters; it never fails. JSON encoders prefer it.
func (s Sid[P]) AppendText(b []byte) ([]byte, error) { return append(b, s.value...), nil }

// UnmarshalText calls ParseSid and returns its error.
func (s *Sid[P]) UnmarshalText(text []byte) error {
	parsed, err := ParseSid[P](string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// JSONSchema describes a SID as Twilio's OpenAPI description does.
func (Sid[P]) JSONSchema() *jsonschema.Schema {
	var p P
	length := uint64(sidLength)
	return &jsonschema.Schema{
		Type:      "string",
		MinLength: &length,
		MaxLength: &length,
		Pattern:   "^" + p.letters() + sidDigits,
	}
}

const sidDigits = "[0-9a-fA-F]{32}$"

// sidPattern matches the pattern of a SID without package regexp, and accepts the
// same strings. That saves 2 µs of the 14 µs for checking and decoding a call.
type sidPattern struct{ pattern, letters string }

func compilePattern(pattern string) (validator.Regexp, error) {
	if letters := sidLetters(pattern); letters != "" {
		return sidPattern{pattern, letters}, nil
	}
	return regexp.Compile(pattern)
}

// sidLetters returns the part of a SID's pattern that the letters match. It returns
// "" for any other pattern.
func sidLetters(pattern string) string {
	letters, isSid := strings.CutSuffix(strings.TrimPrefix(pattern, "^"), sidDigits)
	if isSid && pattern[0] == '^' && (letters == AnyPrefix{}.letters() || len(letters) == 2 && isLetter(letters[0]) && isLetter(letters[1])) {
		return letters
	}
	return ""
}

func (p sidPattern) String() string { return p.pattern }

func (p sidPattern) MatchString(s string) bool {
	if len(s) != sidLength || !hasPrefix(p.letters, s) {
		return false
	}
	for i := 2; i < sidLength; i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

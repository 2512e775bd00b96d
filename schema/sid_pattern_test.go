package schema

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The patterns of SIDs have their own matcher. It must agree with package regexp
// on every string.
func FuzzSidPatterns(f *testing.F) {
	digits := strings.Repeat("0aF9", 8)
	for _, seed := range []string{"", "KS", "KS" + digits, "ks" + digits, "KC" + digits, "zQ" + digits, "KS" + digits + "0", "KS" + digits + "\n",
		"\nKS" + digits, "KS" + digits[1:], "KS" + digits[1:] + "g", "1S" + digits, "é" + digits, "KS" + digits[:30] + "é"} {
		f.Add(seed)
	}
	patterns := []string{ServiceSid{}.JSONSchema().Pattern, ResourceSid{}.JSONSchema().Pattern}
	f.Fuzz(func(t *testing.T, s string) {
		for _, pattern := range patterns {
			own, err := compilePattern(pattern)
			require.NoError(t, err)
			require.IsType(t, sidPattern{}, own)
			require.Equal(t, regexp.MustCompile(pattern).MatchString(s), own.MatchString(s), "%s %q", pattern, s)
		}
	})
}

func TestOtherPatternsAreRegexps(t *testing.T) {
	for _, pattern := range []string{"", "KS", "^KS$", "^.S" + sidDigits, "KS" + sidDigits, sidDigits} {
		compiled, err := compilePattern(pattern)
		require.NoError(t, err)
		require.IsType(t, &regexp.Regexp{}, compiled, pattern)
	}
	_, err := compilePattern("(")
	require.Error(t, err)
}

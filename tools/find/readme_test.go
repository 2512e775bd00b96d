package find

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeNamesTheBounds(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	words := strings.Join(strings.Fields(string(readme)), " ")
	require.Contains(t, words, fmt.Sprintf("reads at most %d pages of %d records, for at most %.0f seconds", maxPages, pageSize, maxReading.Seconds()))
}

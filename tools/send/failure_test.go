package send

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

// A receipt is only promised where there is one.
func TestAConflictSaysWhatBecameOfTheFirst(t *testing.T) {
	for state, words := range map[ledger.State]string{
		ledger.Sent: "to get its receipt", ledger.Refused: "which was not sent either", ledger.NotSent: "which was not sent either",
		ledger.Unknown: "to learn how it ended", ledger.Claimed: "to learn how it ended",
	} {
		got := conflict(ledger.Entry{State: state}).Error()
		require.Contains(t, got, words, state)
		require.Equal(t, state == ledger.Sent, strings.Contains(got, "receipt"), state)
	}
}

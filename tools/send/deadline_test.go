package send

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A call that outlives the time in which the ledger frees nothing could send
// what somebody has freed and sent meanwhile.
func TestNoDeadlineIsLongerThanTheLedgerWaits(t *testing.T) {
	for _, deadline := range []time.Duration{-1, MaxDeadline + 1, 5 * time.Minute} {
		_, err := New(Config{Deadline: deadline})
		require.ErrorContains(t, err, "deadline")
	}
	_, err := New(Config{Deadline: MaxDeadline})
	require.NoError(t, err)
}

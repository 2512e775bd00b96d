package serve

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// What was read and is not answered is bounded in messages and in bytes; a
// single message always fits.
func TestWhatIsUnansweredIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ first, size int }{
		"bytes":    {1, maxUnansweredBytes},
		"messages": {maxUnanswered, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newGate(maxUnanswered, maxUnansweredBytes)
				for range c.first {
					require.True(t, b.wait(c.size))
				}
				entered := make(chan bool, 1)
				go func() { entered <- b.wait(1) }()
				synctest.Wait()
				require.Empty(t, entered, "there is no room")
				b.leave(c.size)
				synctest.Wait()
				require.True(t, <-entered)
			})
		})
	}
}

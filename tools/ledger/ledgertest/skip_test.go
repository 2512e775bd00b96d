package ledgertest

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// ended remembers how a test ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()      {}
func (e *ended) Skip(...any)  { e.how = "skipped"; runtime.Goexit() }
func (e *ended) Fatal(...any) { e.how = "failed"; runtime.Goexit() }

func TestWithoutAServerTestsSkipOnlyWhereTheyMay(t *testing.T) {
	for value, how := range map[string]string{"": "skipped", "never": "failed"} {
		t.Setenv(NoSkip, value)
		test, done := &ended{TB: t}, make(chan struct{})
		go func() {
			defer close(done)
			(&Postgres{Missing: "initdb failed"}).Schema(test)
		}()
		<-done
		require.Equal(t, how, test.how)
	}
}

package sdktest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwilioNode runs node/*.test.js against a fake in this process.
func TestTwilioNode(t *testing.T) {
	require.DirExists(t, "node/node_modules/twilio", "the library is not installed; run node/run")
	f, address := startFake(t)
	command := exec.CommandContext(t.Context(), "node", "--test")
	command.Dir = "node"
	command.Env = append(withoutTwilio(os.Environ()), "FAKE_URL="+address)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	requireEveryOperation(t, f)
}

// withoutTwilio removes the variables that would make a process use Twilio.
func withoutTwilio(environment []string) []string {
	return slices.DeleteFunc(environment, func(v string) bool { return strings.HasPrefix(v, "TWILIO_") })
}

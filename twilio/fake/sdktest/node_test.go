package sdktest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwilioNode runs node/*.test.js against a fake of this process.
func TestTwilioNode(t *testing.T) {
	require.DirExists(t, "node/node_modules/twilio", "install it first: node/run does")
	f, address := startFake(t)
	command := exec.CommandContext(t.Context(), "node", "--test")
	command.Dir = "node"
	command.Env = append(withoutTwilio(os.Environ()), "FAKE_URL="+address)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	requireEveryOperation(t, f)
}

// withoutTwilio leaves out what would point a process at Twilio.
func withoutTwilio(environment []string) []string {
	return slices.DeleteFunc(environment, func(v string) bool { return strings.HasPrefix(v, "TWILIO_") })
}

package sdktest

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwilioNode runs node/*.test.js against a fake of this process.
func TestTwilioNode(t *testing.T) {
	require.DirExists(t, "node/node_modules/twilio", "install it first: node/run does")
	f, address := startFake(t)
	command := exec.CommandContext(t.Context(), "node", "--test")
	command.Dir = "node"
	command.Env = append(os.Environ(), "FAKE_URL="+address)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	requireEveryOperation(t, f)
}

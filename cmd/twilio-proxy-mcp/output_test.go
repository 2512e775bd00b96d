package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/twilio/fake"
)

// A signal also ends a command whose output nobody reads. The outcome of a call decides its status.
func TestASignalEndsACommandWhoseOutputNobodyReads(t *testing.T) {
	t.Parallel()
	path := "--ledger=" + filepath.Join(t.TempDir(), "ledger.db")
	call := []string{"call", "--backend=fake", path, "send_message_interaction", "ServiceSid=" + fake.ServiceSid, "SessionSid=" + fake.SessionSid, "ParticipantSid=" + fake.ParticipantSid, "Body=hello"}
	require.Equal(t, exitOK, run(t.Context(), call, program{nil, io.Discard, logs.New(io.Discard), toolSets}))
	for name, c := range map[string]struct {
		arguments []string
		status    int
		says      string
	}{
		"call":    {call, exitOK, "Its SID is KI"},
		"tools":   {[]string{"tools"}, exitError, ""},
		"history": {[]string{"history", path}, exitError, ""},
		"help":    {[]string{"--help"}, exitError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, signal := context.WithCancel(t.Context())
			out, in := io.Pipe()
			var said bytes.Buffer
			status := make(chan int)
			go func() { status <- run(ctx, c.arguments, program{nil, in, logs.New(&said), toolSets}) }()
			_, err := out.Read(make([]byte, 1)) // all that is ever read
			require.NoError(t, err)
			signal()
			require.Equal(t, c.status, <-status)
			require.Contains(t, said.String(), errUnread.Error())
			require.Contains(t, said.String(), c.says)
			out.Close()
		})
	}
}

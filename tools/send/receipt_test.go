package send

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
)

// What a replay says of times is what the ledger goes by.
func TestAReplayTellsTheLedgersTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	sender := &Sender{Config: Config{DuplicateWindow: 2 * time.Minute}}
	for name, tc := range map[string]struct {
		begun, settled time.Time
		age            *int64
		says           []string
	}{
		"within the window": {now.Add(-50 * time.Second), now.Add(-30 * time.Second), new(int64(50)),
			[]string{"50 seconds ago, at 2026-01-02T11:59:10Z", "from 2026-01-02T12:01:30Z on, in 90 seconds"}},
		"after the window": {now.Add(-time.Hour), now.Add(-time.Hour), new(int64(3600)),
			[]string{"3600 seconds ago, at 2026-01-02T11:00:00Z", "on purpose now"}},
		"the clock went back": {now.Add(time.Hour), now.Add(time.Hour), nil,
			[]string{"at 2026-01-02T13:00:00Z (the ledger's clock has been set back since)", "from 2026-01-02T13:02:00Z on, in 3720 seconds"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, newFake(t), nil)
			replay := sender.Definition()
			replay.Run = func(_ context.Context, call *tools.Call, request schema.CreateMessageInteraction) (schema.MessageInteraction, error) {
				d := &delivery{Sender: sender, call: call, request: request}
				return d.replayed(ledger.Entry{State: ledger.Sent, Begun: tc.begun, Settled: tc.settled, Read: now}), nil
			}
			b.offer(replay, false)
			got := b.send("hello")
			require.Equal(t, tc.age, got.outcome().AgeSeconds)
			for _, words := range tc.says {
				require.Contains(t, got.Content[0].Text, words)
			}
		})
	}
}

package ledger

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
)

// A call ends by its deadline, even when the server does not answer or keeps everybody waiting for a lock.
func TestAStalledServerKeepsNobodyBeyondTheirTime(t *testing.T) {
	for name, stall := range map[string]func(*testing.T, place, *ledgertest.Wire) (flow func()){
		"the wire":  func(_ *testing.T, _ place, wire *ledgertest.Wire) func() { return wire.Stall() },
		"the table": func(t *testing.T, p place, _ *ledgertest.Wire) func() { return lockTable(t, p) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "postgres")
			wire := ledgertest.NewWire(t, p.dsn)
			l := &Ledger{DSN: wire.DSN}
			t.Cleanup(func() { require.NoError(t, l.Close()) })
			owned := claim(t, l, intent("owned"))
			flow := stall(t, p, wire)
			began := time.Now()
			for round := range 2 { // in the second round the owner has no session
				var calls sync.WaitGroup
				for i := range 2 * postgresConns {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					calls.Go(func() {
						if _, err := l.Claim(ctx, intent(strconv.Itoa(i))); err == nil {
							t.Error("a claim was granted")
						}
					})
					calls.Go(func() {
						if err := owned.Stands(ctx); err == nil {
							t.Error("a claim was seen to stand")
						}
					})
				}
				calls.Wait()
				if round == 0 {
					l.store.dropOwner(owned.owner)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.Error(t, owned.Settle(ctx, Settlement{State: Sent, Sid: sid("KI", "a")}))
			require.Less(t, time.Since(began), defaultLockWait)

			flow()
			require.Eventually(t, l.idle, hang, pollFirst)
			require.Equal(t, Replay, decide(t, l, intent("owned")).Verdict)
			claim(t, l, intent("0"))
		})
	}
}

// lockTable locks the table against everybody until unlock is called.
func lockTable(t *testing.T, p place) (unlock func()) {
	conn := connect(t, p)
	_, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE twilio_proxy_mcp_sends IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	return func() {
		_, err := conn.Exec(t.Context(), "ROLLBACK")
		require.NoError(t, err)
	}
}

package ledger

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lateCommit is an engine whose first commit comes when release is closed, long after its caller gave up.
type lateCommit struct {
	engine
	begun   atomic.Bool
	release chan struct{}
	done    chan error
}

func (e *lateCommit) write(ctx context.Context, op operation) error {
	if e.begun.Swap(true) {
		return e.engine.write(ctx, op)
	}
	ran := make(chan struct{})
	go func() {
		e.done <- e.engine.write(context.WithoutCancel(ctx), func(ctx context.Context, tx transaction) error {
			err := op(ctx, tx)
			close(ran)
			<-e.release
			return err
		})
	}()
	<-ran
	return context.DeadlineExceeded
}

func TestACommitThatComesLateLeavesNoClaim(t *testing.T) {
	l := newPlace(t, "postgres").open(t)
	l.lockWait = hang // longer than the server lets the transaction idle
	settle(t, claim(t, l, intent("before")), Settlement{State: Sent})
	late := &lateCommit{engine: l.store.engine, release: make(chan struct{}), done: make(chan error, 1)}
	l.store.engine = late
	d, err := l.Claim(t.Context(), intent("hello"))
	requireUnavailable(t, err, Gone)
	require.Zero(t, d)

	settle(t, claim(t, l, intent("other")), Settlement{State: Sent}) // other calls neither wait for it nor forget it
	require.Eventually(t, func() (waits bool) {                      // the retry waits for the commit; it does not take the entry for absent
		require.NoError(t, l.store.read(t.Context(), func(ctx context.Context, tx transaction) error {
			return tx.queryRow(ctx, "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").Scan(&waits)
		}))
		return waits
	}, hang, pollFirst)
	close(late.release)
	require.NoError(t, <-late.done)
	settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
	entries, err := l.History(t.Context(), Filter{State: NotSent})
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAClaimThatWasNeverCommittedIsForgotten(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		l := p.open(t)
		c := claim(t, l, intent("hello"))
		sqlOn(t, l, "DELETE FROM twilio_proxy_mcp_sends")
		l.postpone(c.token, postponed{id: c.ID, listed: l.store.digests(intent("hello")).listed, Settlement: Settlement{State: NotSent}})
		require.Eventually(t, func() bool { return l.idle() }, hang, pollFirst)
	})
}

func (l *Ledger) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.postponed) == 0 && l.retrying == nil
}

func TestAPostponedSettlementWaitsForNoCall(t *testing.T) {
	p := newPlace(t, "sqlite")
	owner, other := p.open(t), p.open(t)
	owner.lockWait = 50 * time.Millisecond
	c := claim(t, owner, intent("hello"))
	unlock := lockFile(t, p)
	requireUnavailable(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a")}), Locked)
	require.False(t, owner.idle())
	unlock()

	require.Equal(t, Replay, decide(t, other, intent("hello")).Verdict) // waits for it
	require.Eventually(t, owner.idle, hang, pollFirst)
}

// A postponed settlement is written without its SID and receipt when another entry has the SID.
func TestAPostponedSettlementWithAKnownInteraction(t *testing.T) {
	p := newPlace(t, "sqlite")
	owner, other := p.open(t), p.open(t)
	owner.lockWait = 50 * time.Millisecond
	c := claim(t, owner, intent("hello"))
	settle(t, claim(t, other, intent("other")), Settlement{State: Sent, Sid: sid("KI", "a")})
	unlock := lockFile(t, p)
	requireUnavailable(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a"), Receipt: []byte(`{"sid":"x"}`)}), Locked)
	unlock()
	require.Eventually(t, owner.idle, hang, pollFirst)
	require.Equal(t, Sent, entry(t, other, c.ID).State)
	require.Nil(t, entry(t, other, c.ID).Receipt)
	require.Equal(t, Replay, decide(t, other, intent("hello")).Verdict)
}

func TestCloseEndsTheRetries(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	sqlOn(t, l, "PRAGMA query_only = 1")
	requireUnavailable(t, c.Settle(t.Context(), Settlement{State: Sent}), ReadOnly)
	l.mu.Lock()
	retrying := l.retrying
	l.mu.Unlock()
	require.NotNil(t, retrying)
	require.NoError(t, l.Close())
	select {
	case <-retrying.done:
	default:
		require.Fail(t, "the retries go on")
	}
	require.ErrorIs(t, c.Settle(t.Context(), Settlement{State: Sent}), ErrClosed)
	require.Nil(t, l.retrying)
}

func TestALateAnswerOverrulesAPersonsWord(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		for _, c := range []struct {
			name   string
			again  State // of a second send, made before the answer to the first
			in     Intent
			repeat Verdict
		}{
			{"keyless", "", intent("1"), Replay},
			{"keyless, sent again", Sent, intent("2"), Replay},
			{"keyed", "", keyed("3", "k3"), Replay},
			{"keyed, sent again", Sent, keyed("4", "k4"), Replay},
			{"keyed, refused again", Refused, keyed("5", "k5"), Replay},
		} {
			t.Run(c.name, func(t *testing.T) {
				l := p.open(t)
				lost := claim(t, l, c.in)
				sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET state = 'not_sent', settled = {now} WHERE id = $1", lost.ID.number)
				switch c.again {
				case Sent:
					settle(t, claim(t, l, c.in), Settlement{State: Sent, Sid: sid("KI", "b") + c.in.Key})
				case Refused:
					settle(t, claim(t, l, c.in), Settlement{State: Refused})
				}
				late := Settlement{State: Sent, Sid: sid("KI", "a") + string(c.in.Content)}
				settle(t, lost, late)
				settle(t, lost, late) // again in the same way
				require.Equal(t, Sent, entry(t, l, lost.ID).State)
				require.Equal(t, late.Sid, entry(t, l, lost.ID).Sid)
				require.Equal(t, c.repeat, decide(t, l, c.in).Verdict)
			})
		}
	})
}

// A session can end while its process lives and sends. Nobody may free the message before the longest call is over.
func TestALostSessionsMessageIsNotFreedAtOnce(t *testing.T) {
	p := newPlace(t, "postgres")
	l, other := p.open(t), p.open(t)
	c := claim(t, l, intent("hello"))
	require.NoError(t, c.Stands(t.Context()))
	killSession(t, c.owner)
	require.ErrorIs(t, other.Resolve(t.Context(), c.ID, NotSent), ErrOwnerAlive)
	require.Equal(t, Unresolved, decide(t, other, intent("hello")).Verdict)
	for _, word := range []State{NotSent, Sent} {
		require.ErrorIs(t, other.Resolve(t.Context(), c.ID, word), ErrOwnerAlive)
	}
	sqlOn(t, other, "UPDATE twilio_proxy_mcp_sends SET begun = begun - $1", SessionGrace.Milliseconds())
	require.NoError(t, other.Resolve(t.Context(), c.ID, NotSent))
	settle(t, c, Settlement{State: Sent, Sid: sid("KI", "a")})
	require.Equal(t, Replay, decide(t, other, intent("hello")).Verdict)
}

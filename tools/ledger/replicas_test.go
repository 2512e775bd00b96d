package ledger

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The caps hold over all replicas, even when they claim at the same moment.
func TestCapsHoldAcrossReplicas(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		var granted atomic.Int64
		var claims sync.WaitGroup
		begin := make(chan struct{})
		for replica := range 4 {
			l := p.open(t)
			require.NoError(t, l.Open(t.Context()))
			for i := range 8 {
				claims.Go(func() {
					in := intent(strconv.Itoa(replica*8 + i))
					in.Limits.PerMinute = 3
					<-begin
					d, err := l.Claim(context.Background(), in)
					if err != nil {
						t.Error(err)
					} else if d.Verdict == Granted {
						granted.Add(1)
					}
				})
			}
		}
		close(begin)
		claims.Wait()
		require.EqualValues(t, 3, granted.Load())
	})
}

// A resolution waits while another transaction decides on a claim of the same content.
func TestAResolutionWaitsForItsContent(t *testing.T) {
	p := newPlace(t, "postgres")
	l, other := p.open(t), p.open(t)
	c := claim(t, l, intent("hello"))
	settle(t, c, Settlement{State: Unknown})
	require.NoError(t, other.Open(t.Context()))
	require.NoError(t, l.store.write(t.Context(), func(ctx context.Context, tx transaction) error {
		if err := tx.lock(ctx, lockContent, l.store.digests(intent("hello")).listed); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, other.Resolve(short, c.ID, NotSent), context.DeadlineExceeded)
		return nil
	}))
	require.NoError(t, other.Resolve(t.Context(), c.ID, NotSent))
}

// A commit is durable even where the server's default is not.
func TestEveryCommitReachesTheServersDisk(t *testing.T) {
	p := newPlace(t, "postgres")
	dsn, err := url.Parse(p.dsn)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("synchronous_commit", "off")
	dsn.RawQuery = query.Encode()
	p.dsn = dsn.String()
	l := p.open(t)
	require.NoError(t, l.Open(t.Context()))
	var setting string
	require.NoError(t, l.store.write(t.Context(), func(ctx context.Context, tx transaction) error {
		return tx.queryRow(ctx, "SELECT current_setting('synchronous_commit')").Scan(&setting)
	}))
	require.Equal(t, "on", setting)
}

// failing is an engine whose writes fail on demand.
type failing struct {
	engine
	fails atomic.Bool
}

func (e *failing) write(ctx context.Context, op operation) error {
	if e.fails.Load() {
		return errors.New("nothing can be written")
	}
	return e.engine.write(ctx, op)
}

// A call that waits for a claim of this process writes the claim's postponed settlement.
func TestWhoWaitsWritesWhatWasPostponed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Ledger{Memory: true}
		defer l.Close()
		c := claim(t, l, intent("hello"))
		under := &failing{engine: l.store.engine}
		l.store.engine = under
		var waited Decision
		var err error
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			waited, err = l.Claim(ctx, intent("hello"))
		}()
		synctest.Wait()
		stopped := &retries{func() {}, make(chan struct{})} // nobody else writes it
		close(stopped.done)
		l.mu.Lock()
		l.retrying = stopped
		l.mu.Unlock()
		under.fails.Store(true)
		require.Error(t, c.Settle(t.Context(), Settlement{State: Sent, Sid: sid("KI", "a")}))
		under.fails.Store(false)
		<-ended
		require.NoError(t, err)
		require.Equal(t, Replay, waited.Verdict)
	})
}

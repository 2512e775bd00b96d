package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soak is few, or many in the long run of tests.
func soak(few, many int) int {
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		return many
	}
	return few
}

func highest(t *testing.T, p place) int64 {
	t.Helper()
	m, err := readMark(p.path)
	require.NoError(t, err)
	return m.highest
}

func TestTheMarkIsRaisedBeforeTheMessageMayLeave(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	require.NoError(t, l.Open(t.Context()))
	size := len(contents(t, p.path+markSuffix))
	for n := int64(1); n <= 12; n++ {
		c := claim(t, l, intent(strconv.FormatInt(n, 10)))
		require.Equal(t, n-1, highest(t, p), "a claim that is not used yet is no loss")
		require.NoError(t, c.Stands(t.Context()))
		require.Equal(t, n, highest(t, p))
		settle(t, c, Settlement{State: Sent})
	}
	require.Len(t, contents(t, p.path+markSuffix), size, "it is overwritten in place")

	// A commit above the mark, a foreign checkpoint and a clean close are no damage.
	claim(t, l, intent("never sent"))
	require.Greater(t, int64(13), highest(t, p))
	foreign(t, p, "PRAGMA wal_checkpoint(TRUNCATE)")
	require.Equal(t, Replay, decide(t, l, intent("12")).Verdict)
	require.NoError(t, l.Close())
	require.Equal(t, Replay, decide(t, p.open(t), intent("12")).Verdict)
}

// foreign runs SQL as another program does.
func foreign(t *testing.T, p place, query string) {
	t.Helper()
	l, err := openSQLite(t.Context(), p.path, hang, true, false)
	require.NoError(t, err)
	_, err = l.(*sqliteEngine).reader.exec(t.Context(), query)
	require.NoError(t, err)
	require.NoError(t, l.close())
}

func TestAMarkThatCannotBeWrittenLetsNothingLeave(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil  func(t *testing.T, mark string)
		reason Reason
	}{
		"removed": {func(t *testing.T, mark string) { require.NoError(t, os.Remove(mark)) }, Corrupt},
		"cut":     {func(t *testing.T, mark string) { require.NoError(t, os.Truncate(mark, 20)) }, Corrupt},
		"no file": {func(t *testing.T, mark string) {
			require.NoError(t, os.Remove(mark))
			require.NoError(t, os.Mkdir(mark, 0o700))
		}, Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "sqlite")
			l := p.open(t)
			c := claim(t, l, intent("hello"))
			tc.spoil(t, p.path+markSuffix)
			requireUnavailable(t, c.Stands(t.Context()), tc.reason)
			_, err := l.Claim(t.Context(), intent("other"))
			requireUnavailable(t, err, tc.reason)
		})
	}
}

// Another process holds the lock without which nobody raises the mark. Nobody waits beyond their time.
func TestAMarkThatCannotBeRaisedKeepsNobodyBeyondTheirTime(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	c := claim(t, l, intent("hello"))
	unlock := lockFile(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			if err := c.Stands(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	unlock()
	require.NoError(t, c.Stands(t.Context()))
}

// Processes raise the mark at the same time, and others read it. It never goes down, and nobody takes half of a line for damage.
func TestProcessesShareTheMark(t *testing.T) {
	p := newPlace(t, "sqlite")
	require.NoError(t, p.open(t).Open(t.Context()))
	var racers sync.WaitGroup
	for range 3 {
		racer := start(t, p, "stand")
		racers.Go(func() {
			for racer.out.Scan() {
				if text := racer.out.Text(); text != "done" {
					t.Error(text)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { racers.Wait(); close(done) }()
	for last := int64(0); ; {
		m, err := readMark(p.path)
		require.NoError(t, err)
		require.GreaterOrEqual(t, m.highest, last)
		last = m.highest
		select {
		case <-done:
			require.EqualValues(t, 3*standContents, highest(t, p))
			return
		default:
		}
	}
}

// A ledger of an older version gets its mark, whenever whoever makes it is killed.
func TestAKillWhileALedgerIsMigratedIsNoDamage(t *testing.T) {
	var usual time.Duration
	for n := range soak(6, 150) {
		p := newPlace(t, "sqlite")
		older(3, func() {
			l := p.open(t)
			settle(t, claim(t, l, intent("hello")), Settlement{State: Sent})
			require.NoError(t, l.Close())
		})
		require.NoError(t, os.Remove(p.path+markSuffix)) // older programs made none
		began := time.Now()
		opener := start(t, p, "open")
		if n == 0 {
			require.NoError(t, opener.cmd.Wait())
			usual = time.Since(began)
			require.EqualValues(t, 1, highest(t, p))
		} else {
			time.Sleep(rand.N(usual))
			opener.kill(t)
		}
		l := p.open(t)
		require.Equal(t, Replay, decide(t, l, intent("hello")).Verdict, n)
		require.NoError(t, l.Close())
		require.EqualValues(t, 1, highest(t, p))
		require.NoError(t, os.Remove(p.path+markSuffix))
		_, err := p.open(t).Claim(t.Context(), intent("hello"))
		requireUnavailable(t, err, Corrupt) // from now on it is no older version's
	}
}

// Who only looks makes no mark, and does not write.
func TestLookingMakesNoMark(t *testing.T) {
	p := newPlace(t, "sqlite")
	older(3, func() { require.NoError(t, p.open(t).Open(t.Context())) })
	require.NoError(t, os.Remove(p.path+markSuffix)) // older programs made none
	l := p.open(t)
	l.MustExist = true
	_, err := l.History(t.Context(), Filter{})
	require.NoError(t, err)
	require.NoFileExists(t, p.path+markSuffix)
}

// Older versions made a new file under a temporary name, and a kill could leave that, or two names of one file.
func TestWhatAKilledOlderVersionLeftIsRemoved(t *testing.T) {
	p := newPlace(t, "sqlite")
	first := p.open(t)
	settle(t, claim(t, first, intent("hello")), Settlement{State: Sent})
	require.NoError(t, first.Close())
	require.NoError(t, os.Link(p.path, p.path+"-new-123"))
	for _, name := range []string{"-new-456", "-new-456-wal"} {
		require.NoError(t, os.WriteFile(p.path+name, []byte("left"), 0o600))
	}
	require.Equal(t, Replay, decide(t, p.open(t), intent("hello")).Verdict)
	left, err := filepath.Glob(p.path + "-new-*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// Another ledger or a person's file may have a name that begins like what this one leaves. It is nobody's to remove.
func TestFilesOfOthersStay(t *testing.T) {
	p := newPlace(t, "sqlite")
	for _, suffix := range []string{"-new-york", "-new-2", "-owner-b", "-owner-BBBBBBBBBBBBBBBBBBBBBBBBBB"} {
		other := place{engine: "sqlite", path: p.path + suffix}
		older(3, func() { settle(t, claim(t, other.open(t), intent("hello")), Settlement{State: Sent}) }) // without a mark, and open
		require.NoError(t, os.Remove(other.path+markSuffix))
	}
	for _, suffix := range []string{"-new-copy", "-new-3-wal"} {
		require.NoError(t, os.WriteFile(p.path+suffix, make([]byte, 8192), 0o600))
	}
	before, err := filepath.Glob(p.path + "*")
	require.NoError(t, err)
	require.NoError(t, p.open(t).Open(t.Context()))
	after, err := filepath.Glob(p.path + "-[no]*")
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestALossIsRecordedOnce(t *testing.T) {
	p := newPlace(t, "sqlite")
	l := p.open(t)
	require.NoError(t, l.Check(t.Context()), "nobody has claimed yet")
	c := claim(t, l, intent("hello"))
	require.NoError(t, c.Stands(t.Context()))
	require.ErrorIs(t, p.open(t).Check(t.Context()), errInUse)
	settle(t, c, Settlement{State: Sent})
	require.NoError(t, l.Close())
	require.NoError(t, mark{ledger: strings.Repeat("O", 26), highest: 1}.write(p.path))

	damaged := p.open(t)
	damaged.MustExist = true
	loss := damaged.Check(t.Context())
	requireUnavailable(t, loss, Corrupt)
	require.ErrorContains(t, loss, "twilio-proxy-mcp history accept-loss")
	require.NotContains(t, loss.Error(), "restart every server")
	require.NoError(t, damaged.Close())
	accepting := p.open(t)
	accepting.Accepts = "a person's word"
	require.NoError(t, accepting.Check(t.Context()))
	require.NoError(t, accepting.Close())

	after := p.open(t)
	require.Equal(t, Replay, decide(t, after, intent("hello")).Verdict)
	losses, err := after.Losses(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a person's word\n", losses)
	require.EqualValues(t, 1, highest(t, p))
	require.ErrorIs(t, (&Ledger{DSN: "postgres://"}).Check(t.Context()), errNoMark)
}

// The loss is recorded before the mark is set right: a kill in between must not hide it.
func TestALossIsRecordedBeforeTheMark(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets no ordinary user make a symbolic link")
	}
	p := newPlace(t, "sqlite")
	first := p.open(t)
	settle(t, claim(t, first, intent("hello")), Settlement{State: Sent})
	require.NoError(t, first.Close())
	require.NoError(t, os.Remove(p.path+markSuffix))
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "none", "mark"), p.path+markSuffix)) // it cannot be written
	accepting := p.open(t)
	accepting.Accepts = "a person's word"
	require.ErrorIs(t, accepting.Open(t.Context()), os.ErrNotExist)

	after := p.open(t)
	after.MustExist = true
	losses, err := after.Losses(t.Context())
	requireUnavailable(t, err, Corrupt)
	require.Equal(t, "a person's word\n", losses)
}

const standContents = 40

// stand claims messages of its own, asks whether each claim stands, and says when it is done.
func stand(l *Ledger) error {
	for i := range standContents {
		d, err := l.Claim(context.Background(), intent(fmt.Sprint(os.Getpid(), " ", i)))
		if err == nil {
			err = d.Claim.Stands(context.Background())
		}
		if err == nil {
			err = d.Claim.Settle(context.Background(), Settlement{State: Sent})
		}
		if err != nil {
			return err
		}
	}
	fmt.Println("done")
	return l.Close()
}

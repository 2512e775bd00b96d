package ledger

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// process is this test binary in another process. It runs one of runTask's tasks on a ledger of the place.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, p place, task string) *process {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(withoutTwilio(os.Environ()), "LEDGER_TEST_TASK="+task, "LEDGER_TEST_PATH="+p.path, "LEDGER_TEST_DSN="+p.dsn)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return &process{cmd, in, bufio.NewScanner(out)}
}

func (p *process) says(t *testing.T) string {
	require.True(t, p.out.Scan(), "the process said nothing")
	return p.out.Text()
}

// kill sends SIGKILL and returns when the process is gone.
func (p *process) kill(t *testing.T) {
	require.NoError(t, p.cmd.Process.Kill())
	p.cmd.Wait()
}

// runTask is what the other process does:
//
//	hold   claims "hello", says so, waits for a line on stdin, asks whether the claim stands, and settles it
//	race   sends "0" to "39", each with and without a key, and says which were granted
//	open   opens the ledger
//	stand  claims messages of its own, asks whether each claim stands, and says when it is done
func runTask(task string) int {
	l := &Ledger{Path: os.Getenv("LEDGER_TEST_PATH"), DSN: os.Getenv("LEDGER_TEST_DSN"), lockWait: hang}
	if err := map[string]func(*Ledger) error{"hold": hold, "race": race, "open": openIt, "stand": stand}[task](l); err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	return 0
}

func openIt(l *Ledger) error { return l.Open(context.Background()) }

func hold(l *Ledger) error {
	ctx := context.Background()
	d, err := l.Claim(ctx, intent("hello"))
	if err != nil {
		return err
	}
	fmt.Println("verdict", d.Verdict)
	bufio.NewReader(os.Stdin).ReadString('\n')
	if err := d.Claim.Stands(ctx); err != nil {
		return err
	}
	return d.Claim.Settle(ctx, Settlement{State: Sent, Sid: sid("KI", "a")})
}

const raceContents = 40

func race(l *Ledger) error {
	for i := range raceContents {
		for _, key := range []string{"", "key " + strconv.Itoa(i)} {
			d, err := l.Claim(context.Background(), keyed(strconv.Itoa(i), key))
			if err != nil {
				return err
			}
			switch d.Verdict {
			case Replay:
				continue
			case Granted:
			default:
				return fmt.Errorf("verdict %d", d.Verdict)
			}
			if err := d.Claim.Settle(context.Background(), Settlement{State: Sent}); err != nil {
				return err
			}
			fmt.Println("granted", i, key)
		}
	}
	return l.Close()
}

func TestProcessesThatRaceSendEachMessageOnce(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		var mu sync.Mutex
		granted := map[string]int{}
		var racers sync.WaitGroup
		for range 4 { // there is no file yet, so they also race to make it
			racer := start(t, p, "race")
			racers.Go(func() {
				for racer.out.Scan() {
					mu.Lock()
					granted[racer.out.Text()]++
					mu.Unlock()
				}
			})
		}
		racers.Wait()
		require.Len(t, granted, 2*raceContents)
		for line, times := range granted {
			require.True(t, strings.HasPrefix(line, "granted"), line)
			require.Equal(t, 1, times, line)
		}
	})
}

// awaitDeath returns when others see the owner dead. PostgreSQL notices the end of a process a moment later.
func awaitDeath(t *testing.T, b *store, token string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var alive bool
		err := b.read(t.Context(), func(ctx context.Context, tx transaction) (err error) {
			alive, err = tx.alive(ctx, token)
			return err
		})
		return err == nil && !alive
	}, hang, pollFirst)
}

// Another process reads the entry; the owner settles it and ends; then the other process asks whether the owner lives.
func TestAnOwnerThatSettlesAndEndsWhileItIsLookedAtHasTheWord(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		asking := p.open(t)
		store, err := asking.open(t.Context())
		require.NoError(t, err)
		for content, test := range map[string]struct {
			settled State
			want    Verdict
		}{"sent": {Sent, Replay}, "refused": {Refused, 0}, "not sent": {NotSent, 0}, "unknown": {Unknown, Unresolved}} {
			in := intent(content)
			d := store.digests(in)
			owner := p.open(t)
			c := claim(t, owner, in)
			var rows []record
			require.NoError(t, store.read(t.Context(), func(ctx context.Context, tx transaction) (err error) {
				rows, err = earlierEntries(ctx, tx, in, d)
				return err
			}))
			require.Len(t, rows, 1)
			settle(t, c, Settlement{State: test.settled})
			require.NoError(t, owner.Close())
			awaitDeath(t, store, c.owner)

			var got Decision
			require.NoError(t, store.write(t.Context(), func(ctx context.Context, tx transaction) (err error) {
				got, err = judge(ctx, tx, rows, d)
				return err
			}))
			require.NotEqual(t, inProgress, got.Verdict, content)
			require.Equal(t, test.want, got.Verdict, content)
		}
	})
}

func TestAKilledOwnersClaimIsUnknown(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		owner := start(t, p, "hold")
		require.Equal(t, "verdict 1", owner.says(t))
		l := p.open(t)
		entries, err := l.History(t.Context(), Filter{State: Claimed})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		id := entries[0].ID
		require.ErrorIs(t, l.Resolve(t.Context(), id, NotSent), ErrOwnerAlive)
		require.ErrorIs(t, l.Reconcile(t.Context(), id, Settlement{State: Sent, Sid: sid("KI", "a")}), ErrOwnerAlive)

		owner.kill(t)
		d := decide(t, l, intent("hello")) // waits until PostgreSQL has noticed
		require.Equal(t, Unresolved, d.Verdict)
		require.Equal(t, id, d.Entry.ID)
		require.Equal(t, Unknown, d.Entry.State)
		require.Equal(t, Unknown, entry(t, l, id).State)

		if p.dsn != "" {
			sqlOn(t, l, "UPDATE twilio_proxy_mcp_sends SET begun = begun - $1", SessionGrace.Milliseconds())
		}
		require.NoError(t, l.Resolve(t.Context(), id, NotSent))
		claim(t, l, intent("hello"))
		left, err := filepath.Glob(p.path + ownerInfix + "*")
		require.NoError(t, err)
		if p.path != "" {
			require.Len(t, left, 1) // this process's own
		}
	})
}

func TestHistoryShowsADeadOwnersClaimAsUnknown(t *testing.T) {
	shared(t, func(t *testing.T, p place) {
		owner := start(t, p, "hold")
		require.Equal(t, "verdict 1", owner.says(t))
		owner.kill(t)
		l := p.open(t)
		require.Eventually(t, func() bool {
			entries, err := l.History(t.Context(), Filter{State: Unknown})
			require.NoError(t, err)
			return len(entries) == 1
		}, hang, pollFirst)
	})
}

// withoutTwilio leaves out the variables that would lead a process to Twilio.
func withoutTwilio(environment []string) []string {
	return slices.DeleteFunc(environment, func(v string) bool { return strings.HasPrefix(v, "TWILIO_") })
}

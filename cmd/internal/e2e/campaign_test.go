//go:build unix

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

const (
	campaignSeed  = "TWILIO_PROXY_MCP_CAMPAIGN_SEED" // repeats a campaign: the same intentions, faults and troubles
	campaignCount = "TWILIO_PROXY_MCP_CAMPAIGN"      // how many intentions it has

	perWorld = 20 // intentions
	perWave  = 5
)

// Many people want messages, each once. The upstream fails in every way it can, servers are killed, and somebody
// tampers with the ledger. No message is sent twice, and no answer is untrue: see truth.
//
// It takes 40 intentions, or 500 with TWILIO_PROXY_MCP_SOAK, or as many as TWILIO_PROXY_MCP_CAMPAIGN says. A failure
// names its world and how to run that again. The seed decides the intentions, the fault of each request, and the moments
// of the kills; what runs at the same time still meets by chance.
func TestCampaign(t *testing.T) {
	t.Parallel()
	count := 40
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		count = 500
	}
	if given := os.Getenv(campaignCount); given != "" {
		var err error
		count, err = strconv.Atoi(given)
		require.NoError(t, err, campaignCount)
	}
	seed := rand.Uint64()
	if given := os.Getenv(campaignSeed); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, campaignSeed)
	}
	fmt.Printf("campaign of %d intentions: %s=%d\n", count, campaignSeed, seed)
	for n := range (count + perWorld - 1) / perWorld {
		name := fmt.Sprintf("world %d", n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := fmt.Sprintf("%s=%d %s=%d go test ./cmd/internal/e2e -run 'TestCampaign/%s$'", campaignSeed, seed, campaignCount, (n+1)*perWorld, name)
			w := newWorld(t, seed+uint64(n), n%4 == 1)
			w.campaign(n)
			w.truth.require(t, again)
			w.requireHealthy()
			t.Logf("%d servers, %v %v", len(w.servers), w.truth.tally(), w.counts)
		})
	}
}

// campaign runs waves of new intentions and repeats of earlier ones. Troubles happen in every wave. In every second world,
// every second wave ends with somebody who tampers with the ledger, and the next one repeats everything.
func (w *world) campaign(n int) {
	all := w.intentions(perWorld)
	begun, tampered := 0, false
	for wave := 0; begun < len(all) && !w.truth.isBroken(); wave++ {
		w.troubleAhead()
		tampers := n%2 == 0 && wave%2 == 1
		which := int((w.seed + uint64(wave)) % uint64(len(whileStopped)+1))
		if tampers && which == len(whileStopped) {
			w.tamperAhead()
		}
		next := min(begun+perWave, len(all))
		calls := map[*intention]int{}
		for _, i := range all[begun:next] {
			if !i.retired {
				calls[i] = 1 + w.random.IntN(2)
			}
		}
		for _, i := range all[:begun] {
			if !i.retired && (tampered || w.random.IntN(4) == 0) {
				calls[i] = 1
			}
		}
		w.wave(all[:next], calls)
		begun, tampered = next, tampers
		if w.suffers() {
			w.heal(all)
		}
		if w.kept == nil {
			w.keep()
		}
		if tampers && which < len(whileStopped) {
			w.tamper(whileStopped[which])
		}
	}
	w.settle(all, begun)
	w.truth.reckon()
}

// intentions makes intentions. Some groups have two of the same text; they have a key each.
func (w *world) intentions(count int) (all []*intention) {
	for len(all) < count {
		all = append(all, w.group(len(all), w.random.IntN(4) == 0)...)
	}
	w.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (w *world) group(number int, twins bool) []*intention {
	participants := []string{fake.ParticipantSid, fake.OtherParticipantSid}
	g := &group{number: number, body: fmt.Sprintf("message %d", number), participant: participants[w.random.IntN(2)]}
	i := &intention{group: g}
	g.intentions = []*intention{i}
	if twins {
		g.intentions = append(g.intentions, &intention{group: g, key: fmt.Sprintf("key-%d-b", number)})
	}
	if twins || w.random.IntN(2) == 0 {
		i.key = fmt.Sprintf("key-%d-a", number)
	}
	w.truth.add(g)
	return g.intentions
}

// wave makes these calls, in parallel. An answered call may be repeated at once, an unanswered one is. In the meantime,
// servers that were ended start again.
func (w *world) wave(all []*intention, calls map[*intention]int) {
	var busy sync.WaitGroup
	for _, i := range all {
		for range calls[i] {
			times, first := 1+w.random.IntN(2), w.random.IntN(len(w.servers))
			busy.Go(func() {
				for n := range times + 1 {
					answered := w.call(i, w.servers[(first+n)%len(w.servers)])
					if answered && n+1 >= times {
						return
					}
				}
			})
		}
	}
	over := make(chan struct{})
	go func() { busy.Wait(); close(over) }()
	w.restart(over)
}

// call returns whether there was an answer.
func (w *world) call(i *intention, s *server) bool {
	c := w.truth.begin(i, s.name)
	a, err := s.call(i)
	if err != nil {
		w.truth.unanswered(i, c, err)
		return false
	}
	w.truth.hear(i, c, a)
	return true
}

// suffers says whether somebody was told lately that the ledger cannot be used. PostgreSQL's comes back by itself.
func (w *world) suffers() bool {
	w.restart(closed())
	return w.wire == nil && w.truth.suffersSince(w.sound)
}

// heal does what the documentation says: it starts the servers again, and where that does not help, it begins anew.
func (w *world) heal(all []*intention) {
	defer w.setCalm(w.setCalm(true))
	ways := []func(){func() {}, func() { w.stopAll(term); w.startAll() }, func() {
		w.leaveOut()
		for _, i := range all {
			w.truth.retire(i)
		}
	}}
	var failed *intention
	for _, way := range ways {
		if way(); w.truth.isBroken() {
			return
		}
		if failed = w.fails(); failed == nil {
			w.sound = w.truth.all("the ledger works")
			return
		}
	}
	w.truth.mu.Lock()
	defer w.truth.mu.Unlock()
	w.truth.must(false, failed.group, "THERE IS NO WAY OUT OF A DAMAGED LEDGER")
}

// fails sends a message by each server, and returns one that found that the ledger cannot be used, or nil.
func (w *world) fails() *intention {
	for _, s := range w.servers {
		i := w.group(len(w.truth.groups)+1000, false)[0]
		w.call(i, s)
		if last := w.truth.last(i); last == nil || last.unusable {
			return i
		}
	}
	return nil
}

func (w *world) setCalm(calm bool) (before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.isCalm = w.isCalm, calm
	return before
}

// settle calls for every intention once more, without faults and troubles. Nobody may be told "no" for ever, unless there is
// a rate limit.
func (w *world) settle(all []*intention, begun int) {
	w.setCalm(true)
	for round := 0; round < 3 && !w.truth.isBroken(); round++ {
		calls := map[*intention]int{}
		for _, i := range all[:begun] {
			if w.truth.mayRepeat(i) {
				calls[i] = 1
			}
		}
		w.wave(all, calls)
		if w.suffers() {
			w.heal(all)
		}
	}
	for _, i := range all[:begun] {
		if w.rate != "0" {
			break
		}
		last := w.truth.last(i)
		w.truth.mu.Lock()
		w.truth.must(i.retired || len(w.truth.broken) > 0 || last != nil && last.outcome.Sent != "no", i.group, "NEVER SENT, ALTHOUGH NOTHING WAS IN THE WAY")
		w.truth.mu.Unlock()
	}
}

// requireHealthy checks that the upstream has the messages that the truth counted, and that the campaign was one.
func (w *world) requireHealthy() {
	w.t.Helper()
	counts := w.truth.tally()
	require.Equal(w.t, w.upstream.fake.Accepted(), counts["messages"])
	require.NotZero(w.t, counts["sent"], counts)
	for _, s := range w.servers {
		s.signal(term)
		s.await()
	}
}

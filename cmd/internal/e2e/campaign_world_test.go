//go:build unix

package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"twilio-proxy-mcp/tools/ledger/ledgertest"
	"twilio-proxy-mcp/twilio/fake"
)

// A world is one upstream, one ledger, and one to three servers that share it.
type world struct {
	t        *testing.T
	random   *rand.Rand // of the world's own goroutine
	truth    *truth
	upstream *faulty
	seed     uint64
	home     string
	ledgers  int    // how many were begun
	rate     string // the servers' --rate-limit
	place    place
	wire     *ledgertest.Wire // nil on SQLite
	servers  []*server
	ended    chan *server      // servers that were killed or asked to end
	kept     map[string][]byte // an old copy of the ledger's files
	sound    int               // the event at which the ledger was last seen to work

	mu       sync.Mutex
	isCalm   bool
	moments  int            // of exchanges, so far
	troubles []trouble      // to come, each at its moment
	counts   map[string]int // of what was done, by name
	rest     *rand.Rand     // for what happens at a moment
}

// A trouble is what happens to a server at a moment of an exchange, which may be its own.
type trouble struct {
	at   int
	name string
	do   func(w *world, asking string)
}

const (
	kill = syscall.SIGKILL
	term = syscall.SIGTERM
)

// newWorld makes a world and starts its servers. Some keep to a rate limit, so that calls wait for their turn.
func newWorld(t *testing.T, seed uint64, onPostgres bool) *world {
	w := &world{t: t, seed: seed, rate: "0", random: rand.New(rand.NewPCG(seed, 1)), rest: rand.New(rand.NewPCG(seed, 2)), truth: newTruth(),
		home: t.TempDir(), ended: make(chan *server, 1000), counts: map[string]int{}}
	if onPostgres {
		w.wire = ledgertest.NewWire(t, postgres.Schema(t))
		w.place = place(w.wire.DSN)
	} else {
		w.place = place(filepath.Join(w.home, "ledger", "ledger.db"))
	}
	if w.random.IntN(4) == 0 {
		w.rate = "8"
	}
	w.upstream = startFaulty(t, seed, w.truth, w.calm, w.moment)
	for n := range 1 + w.random.IntN(3) {
		s := &server{name: fmt.Sprintf("server%d", n+1), overHTTP: w.random.IntN(2) == 0}
		w.servers = append(w.servers, s)
		s.start(w)
	}
	return w
}

func (w *world) calm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isCalm
}

// moment counts a moment of an exchange, and lets the troubles happen that are due.
func (w *world) moment(asking string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moments++
	var later []trouble
	for _, next := range w.troubles {
		switch {
		case w.isCalm:
		case next.at <= w.moments:
			w.counts[next.name]++
			next.do(w, asking)
		default:
			later = append(later, next)
		}
	}
	w.troubles = later
}

// troubleAhead plans up to two troubles for the next moments.
func (w *world) troubleAhead() {
	w.mu.Lock()
	defer w.mu.Unlock()
	kinds := []trouble{
		{name: "the sending server killed", do: func(w *world, asking string) { w.signal(asking, kill) }},
		{name: "any server killed", do: func(w *world, _ string) { w.signal(w.anyServer(), kill) }},
		{name: "any server asked to end", do: func(w *world, _ string) { w.signal(w.anyServer(), term) }},
	}
	if w.wire != nil {
		kinds = append(kinds, trouble{name: "PostgreSQL's connections cut", do: func(w *world, _ string) {
			w.truth.all("PostgreSQL's connections are cut")
			w.wire.Cut()
			w.wire.Mend()
		}})
	}
	for range w.random.IntN(3) {
		next := kinds[w.random.IntN(len(kinds))]
		next.at = w.moments + 1 + w.random.IntN(15)
		w.troubles = append(w.troubles, next)
	}
}

func (w *world) anyServer() string { return w.servers[w.rest.IntN(len(w.servers))].name }

// signal is called at a moment of an exchange.
func (w *world) signal(name string, signal syscall.Signal) {
	for _, s := range w.servers {
		if s.name == name && s.signal(signal) {
			w.truth.all("%s got %v", name, signal)
			w.ended <- s
		}
	}
}

// restart starts the servers that were ended, until none is left to start or until stop is closed.
func (w *world) restart(stop <-chan struct{}) {
	for {
		select {
		case s := <-w.ended:
			s.await()
			s.start(w)
			continue
		default:
		}
		select {
		case <-stop:
			return
		case s := <-w.ended:
			s.await()
			s.start(w)
		}
	}
}

// stopAll ends every server.
func (w *world) stopAll(signal syscall.Signal) {
	w.restart(closed())
	for _, s := range w.servers {
		s.signal(signal)
	}
	for _, s := range w.servers {
		s.await()
	}
	w.truth.all("all servers got %v", signal)
}

func (w *world) startAll() {
	for _, s := range w.servers {
		s.start(w)
	}
}

func closed() <-chan struct{} {
	stop := make(chan struct{})
	close(stop)
	return stop
}

// environment makes a server use the upstream and the ledger. The deadlines are short, because some answers never come.
func (w *world) environment(password string) []string {
	return environment(w.t, "TWILIO_PROXY_BASE_URL="+w.upstream.server.URL, "TWILIO_ACCOUNT_SID="+fake.AccountSid, "TWILIO_AUTH_TOKEN="+password,
		w.place.env(), "TWILIO_PROXY_MCP_TIMEOUT=1s", "TWILIO_PROXY_MCP_DEADLINE=4s", "TWILIO_PROXY_MCP_RATE_LIMIT="+w.rate,
		"TWILIO_PROXY_MCP_DUPLICATE_WINDOW="+window.String(), "TWILIO_PROXY_MCP_LOG_LEVEL=error")
}

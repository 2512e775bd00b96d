package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	clients    = 64
	intentions = 500
	repeats    = 40 // of each client, beside its share of the intentions
)

// Two servers on one file, three replicas on one PostgreSQL, with requests
// handed to them in turn: each client picks its intentions at random, and many
// pick the same at the same moment.
func TestManyClientsOfManyServersSendEachMessageOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, p place) {
		u := startUpstream(t)
		env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_RATE_LIMIT=0")...)
		servers := []*process{start(t, env), start(t, env)}
		if !p.sqlite() {
			servers = append(servers, start(t, env))
		}
		var turn atomic.Int64
		call := func(intention int) told {
			server := servers[int(turn.Add(1))%len(servers)]
			got, err := server.await(server.begin("tools/call", sendParams(fmt.Sprintf("intention %d", intention), nil)))
			return told{intention, got, err}
		}
		var mu sync.Mutex
		var all []told
		var busy sync.WaitGroup
		for client := range clients {
			var mine []int
			for i := client; i < intentions; i += clients {
				mine = append(mine, i)
			}
			for range repeats {
				mine = append(mine, rand.N(intentions))
			}
			rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			busy.Go(func() {
				for _, intention := range mine {
					heard := call(intention)
					mu.Lock()
					all = append(all, heard)
					mu.Unlock()
				}
			})
		}
		busy.Wait()
		requireOneMessageEach(t, u, all)
		for _, server := range servers {
			server.stop()
		}
	})
}

// A told is what a client heard of an intention.
type told struct {
	intention int
	answer    answer
	err       error
}

// requireOneMessageEach: every client was handed the receipt of the one message
// of its intention.
func requireOneMessageEach(t *testing.T, u *upstream, all []told) {
	t.Helper()
	messages := u.messages(t)
	require.Len(t, messages, intentions)
	require.Equal(t, intentions, u.Accepted())
	sids, owners, first := map[int]string{}, map[string]int{}, map[int]int{}
	for _, heard := range all {
		require.NoError(t, heard.err)
		require.Equal(t, "sent", heard.answer.outcome().Code, heard.answer.text())
		require.Equal(t, "yes", heard.answer.outcome().Sent)
		var receipt struct{ Sid, Data string }
		require.NoError(t, json.Unmarshal(heard.answer.Result.Structured, &receipt))
		require.JSONEq(t, fmt.Sprintf(`{"body":"intention %d"}`, heard.intention), receipt.Data)
		if known := sids[heard.intention]; known != "" {
			require.Equal(t, known, receipt.Sid)
		}
		sids[heard.intention] = receipt.Sid
		owners[receipt.Sid] = heard.intention
		if !heard.answer.outcome().Replayed {
			first[heard.intention]++
		}
	}
	require.Len(t, owners, intentions, "each receipt is of one intention")
	for intention, times := range first {
		require.Equal(t, 1, times, "intention %d was told as new more than once", intention)
	}
	require.Len(t, first, intentions)
}

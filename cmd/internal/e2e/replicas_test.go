package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

// Two servers on one file, to which calls are handed in turn.
func TestManyClientsOfTwoServersOnOneFile(t *testing.T) {
	u := startUpstream(t)
	env := environment(t, append(u.env, sqlitePlace(t).env(), "TWILIO_PROXY_MCP_RATE_LIMIT=0")...)
	servers := []*process{start(t, env), start(t, env)}
	var turn atomic.Int64
	requireOneMessageEach(t, u, manyClients(func(body string) (answer, error) {
		server := servers[int(turn.Add(1))%len(servers)]
		return server.await(server.begin("tools/call", sendParams(body, nil)))
	}))
	for _, server := range servers {
		server.stop()
	}
}

// Three replicas on one PostgreSQL behind a proxy that hands each request to
// the next of them.
func TestManyClientsOfThreeReplicasOnOnePostgres(t *testing.T) {
	u := startUpstream(t)
	p := place(postgres.Schema(t))
	env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_RATE_LIMIT=0")...)
	var replicas []*url.URL
	for range 3 {
		at, err := url.Parse(<-start(t, env, "http", "--addr", "127.0.0.1:0").said)
		require.NoError(t, err)
		replicas = append(replicas, at)
	}
	var turn atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: clients},
		Rewrite: func(r *httputil.ProxyRequest) {
			replica := *replicas[int(turn.Add(1))%len(replicas)]
			replica.Path = ""
			r.SetURL(&replica)
		}})
	defer proxy.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	requireOneMessageEach(t, u, manyClients(func(body string) (answer, error) {
		return post(client, proxy.URL+"/mcp", sendParams(body, nil))
	}))
}

// post calls the tool over HTTP.
func post(client *http.Client, url string, params any) (a answer, err error) {
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
	if err != nil {
		return a, err
	}
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(message))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	response, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%s: %w: %s", response.Status, err, body)
	}
	return a, nil
}

// manyClients lets each client pick its intentions at random: many pick the
// same at the same moment, and each is picked by somebody.
func manyClients(call func(body string) (answer, error)) (all []told) {
	var mu sync.Mutex
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
				got, err := call(fmt.Sprintf("intention %d", intention))
				mu.Lock()
				all = append(all, told{intention, got, err})
				mu.Unlock()
			}
		})
	}
	busy.Wait()
	return all
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

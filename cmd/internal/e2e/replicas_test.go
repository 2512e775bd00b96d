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
	repeats    = 40 // calls of each client in addition to its share of the intentions
)

// Two servers share a SQLite file. The calls alternate between them.
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

// Three replicas share a PostgreSQL ledger. A proxy sends each request to the next
// one.
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

// manyClients gives each client its share of the intentions and some random ones,
// in random order. So every intention is sent, and many are sent by several clients
// at the same time.
func manyClients(call func(body string) (answer, error)) (all []heard) {
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
				all = append(all, heard{intention, got, err})
				mu.Unlock()
			}
		})
	}
	busy.Wait()
	return all
}

// heard is the answer that a client got for an intention.
type heard struct {
	intention int
	answer    answer
	err       error
}

// requireOneMessageEach checks that each intention is one message, and that every
// caller got the receipt of that message.
func requireOneMessageEach(t *testing.T, u *upstream, all []heard) {
	t.Helper()
	messages := u.messages(t)
	require.Len(t, messages, intentions)
	require.Equal(t, intentions, u.Accepted())
	sids, owners, first := map[int]string{}, map[string]int{}, map[int]int{}
	for _, h := range all {
		require.NoError(t, h.err)
		require.Equal(t, "sent", h.answer.outcome().Code, h.answer.text())
		require.Equal(t, "yes", h.answer.outcome().Sent)
		var receipt struct{ Sid, Data string }
		require.NoError(t, json.Unmarshal(h.answer.Result.Structured, &receipt))
		require.JSONEq(t, fmt.Sprintf(`{"body":"intention %d"}`, h.intention), receipt.Data)
		if known := sids[h.intention]; known != "" {
			require.Equal(t, known, receipt.Sid)
		}
		sids[h.intention] = receipt.Sid
		owners[receipt.Sid] = h.intention
		if !h.answer.outcome().Replayed {
			first[h.intention]++
		}
	}
	require.Len(t, owners, intentions, "each receipt belongs to one intention")
	for intention, times := range first {
		require.Equal(t, 1, times, "intention %d was answered as new more than once", intention)
	}
	require.Len(t, first, intentions)
}

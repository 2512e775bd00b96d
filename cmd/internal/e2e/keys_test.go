package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio/fake"
)

// sendKeyed calls the tool with an idempotency key.
func (p *process) sendKeyed(body, key string) answer {
	p.t.Helper()
	return p.wait(p.begin("tools/call", sendParams(body, map[string]any{"twilio-proxy-mcp/idempotency-key": key})))
}

func TestKeysNameIntentions(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, p place) {
		t.Parallel()
		u := startUpstream(t)
		env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_DUPLICATE_WINDOW="+window.String())...)
		server := start(t, env)
		first := server.sendKeyed("hello", "one")
		require.Equal(t, sent(), first.kind())
		p.age(t, window+time.Second)
		again := server.sendKeyed("hello", "one")
		require.Equal(t, replayed(), again.kind(), "a key works after the window too")
		require.Equal(t, first.receipt(t), again.receipt(t))
		require.True(t, strings.HasPrefix(again.Result.Content[0].Text, "This message already went out "), again.text())
		require.Contains(t, again.Result.Content[0].Text, "needs another idempotency key")
		require.False(t, again.Result.IsError)
		require.Equal(t, 1, u.Accepted())

		other := server.sendKeyed("hello, you", "one")
		require.Equal(t, outcome{Code: "conflict", Sent: "no"}, other.kind())
		require.True(t, other.Result.IsError)
		require.Equal(t, 1, u.Accepted())

		require.Equal(t, sent(), server.sendKeyed("hello", "two").kind(), "another key is another intention")
		p.age(t, window+time.Second)
		require.Equal(t, sent(), server.send("hello").kind(), "the window is over")
		require.Equal(t, 3, u.Accepted())
		server.stop()

		later := start(t, env)
		require.Equal(t, replayed(), later.sendKeyed("hello", "two").kind())
		later.stop()
		require.Equal(t, 3, u.Accepted())
	})
}

// A call without a key is a repeat within the window, even if the first call had a key.
func TestTheWindowAnswersForAKeyedCall(t *testing.T) {
	u := startUpstream(t)
	server := start(t, environment(t, u.env...))
	require.Equal(t, sent(), server.sendKeyed("hello", "one").kind())
	again := server.send("hello")
	require.Equal(t, replayed(), again.kind())
	require.Contains(t, again.Result.Content[0].Text, "may be sent again on purpose from ")
	require.NotNil(t, again.outcome().AgeSeconds)
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

// The fake and the live backend share a ledger here. A call with the same key must
// not get the receipt of the other backend.
func TestTheFakeNeverAnswersForLive(t *testing.T) {
	u := startUpstream(t)
	p := sqlitePlace(t)
	env := environment(t, append(u.env, p.env())...)
	for _, backend := range []string{"fake", "live", "fake", "live"} {
		server := start(t, env, "--backend", backend)
		first := server.sendKeyed("hello", backend+" only") // used in both rounds of this backend
		shared := server.sendKeyed("hello", "shared")
		require.Equal(t, "sent", shared.outcome().Code)
		require.Equal(t, backend == "fake", shared.outcome().Backend == "fake")
		require.Equal(t, first.outcome().Replayed, shared.outcome().Replayed)
		server.stop()
	}
	require.Equal(t, 2, u.Accepted())
	require.Len(t, history(t, env), 4)
}

// A call that is cancelled while it waits sends nothing. After the request has left,
// a cancelled call is still recorded.
func TestCancelledCalls(t *testing.T) {
	t.Parallel()
	cancel := func(p *process, params any) {
		p.begin("tools/call", params)
		p.mu.Lock()
		id := p.next
		p.mu.Unlock()
		p.notify("notifications/cancelled", map[string]any{"requestId": id})
	}
	t.Run("waiting for the rate limit", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		p := sqlitePlace(t)
		p.prepare(t) // the limit allows five sends in five seconds, and preparing would take some of that
		env := environment(t, append(u.env, "TWILIO_PROXY_MCP_RATE_LIMIT=1", "TWILIO_PROXY_MCP_LEDGER="+string(p))...)
		server := start(t, env)
		var five []<-chan json.RawMessage
		for _, body := range []string{"1", "2", "3", "4", "5"} {
			five = append(five, server.begin("tools/call", sendParams(body, nil)))
		}
		for _, answer := range five {
			require.Equal(t, sent(), server.wait(answer).kind())
		}
		cancel(server, sendParams("6", nil))
		require.Equal(t, sent(), server.send("7").kind()) // it waits behind the cancelled call
		require.Equal(t, 6, u.Accepted())
		require.Zero(t, u.messages(t)["6"])
		require.Len(t, history(t, env), 6)
		server.stop()
	})
	t.Run("waiting for another's send", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		env := environment(t, u.env...)
		server := start(t, env)
		release := u.hold(t)
		first := server.begin("tools/call", sendParams("hello", nil))
		eventually(t, func() bool { return u.Accepted() == 1 })
		cancel(server, sendParams("hello", nil))
		server.wait(server.begin("ping", nil)) // then the cancellation has been read
		release()
		require.Equal(t, sent(), server.wait(first).kind())
		require.Equal(t, 1, u.Accepted())
		require.Len(t, history(t, env), 1)
		server.stop()
	})
	t.Run("waiting for the answer", func(t *testing.T) {
		t.Parallel()
		u := startUpstream(t)
		env := environment(t, u.env...)
		server := start(t, env)
		release := u.hold(t)
		server.begin("tools/call", sendParams("hello", nil))
		eventually(t, func() bool { return u.Accepted() == 1 })
		server.notify("notifications/cancelled", map[string]any{"requestId": 1})
		server.wait(server.begin("ping", nil)) // then the cancellation has been read
		release()
		eventually(t, func() bool { return history(t, env)[0].State == ledger.Sent })
		require.Equal(t, replayed(), server.send("hello").kind())
		require.Len(t, history(t, env), 1)
		server.stop()
	})
}

// Simultaneous calls share one send.
func TestCallersAtOneMomentShareASend(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	server := start(t, environment(t, append(u.env, "TWILIO_PROXY_MCP_DUPLICATE_WINDOW=0")...))
	u.arm(t, fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(20 * time.Second)}) // enough time for the second call
	first := server.begin("tools/call", sendParams("hello", nil))
	eventually(t, func() bool { return u.Accepted() == 1 })
	second := server.send("hello")
	require.Equal(t, sent(), server.wait(first).kind())
	require.Equal(t, replayed(), second.kind())
	require.Contains(t, second.text(), "may be sent again on purpose now")
	require.Equal(t, 1, u.Accepted())
	server.stop()
}

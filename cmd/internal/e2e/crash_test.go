package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// The server is killed at each moment of a send. A new server with the same ledger
// then gets the same call. A lock on the ledger, or an upstream that does not
// answer, stops the first server at the right moment.
func TestAKilledServerNeverSendsTwice(t *testing.T) {
	t.Parallel()
	const body = "hello"
	answered := func(u *upstream) func() bool {
		return func() bool { requests := u.Requests(); return len(requests) == 1 && requests[0].Status == 200 }
	}
	for _, moment := range []struct {
		name   string
		reach  func(t *testing.T, u *upstream, p place, server *process)
		repeat outcome
		count  int // messages accepted in the end
	}{
		{"before the claim", func(t *testing.T, u *upstream, p place, server *process) {
			lock := p.lock(t)
			server.begin("tools/call", sendParams(body, nil))
			lock.awaited(func() bool { return p.owners() == 1 })
			server.kill()
			require.Zero(t, u.Accepted())
			lock.release()
		}, outcome{Code: "sent", Sent: "yes"}, 1},
		{"after the claim, before the request is written", func(t *testing.T, u *upstream, p place, server *process) {
			u.gate.shut()
			server.begin("tools/call", sendParams(body, nil))
			<-u.gate.came // nobody answers the TLS handshake
			server.kill()
			u.gate.open()
		}, outcome{Code: "outcome_unknown", Sent: "unknown"}, 0},
		{"after the request was written, not accepted", func(t *testing.T, u *upstream, p place, server *process) {
			u.arm(t, fake.Fault{Effect: fake.EffectHang})
			server.begin("tools/call", sendParams(body, nil))
			eventually(t, func() bool { return len(u.Requests()) == 1 })
			server.kill()
		}, outcome{Code: "outcome_unknown", Sent: "unknown"}, 0},
		{"after the request was written and accepted", func(t *testing.T, u *upstream, p place, server *process) {
			u.arm(t, fake.Fault{Effect: fake.EffectHangAfter})
			server.begin("tools/call", sendParams(body, nil))
			eventually(t, func() bool { return u.Accepted() == 1 })
			server.kill()
		}, outcome{Code: "sent", Sent: "yes", Reconciled: true}, 1},
		{"after the answer came, before it was recorded", func(t *testing.T, u *upstream, p place, server *process) {
			release := u.hold(t)
			server.begin("tools/call", sendParams(body, nil))
			eventually(t, func() bool { return u.Accepted() == 1 })
			lock := p.lock(t)
			release()
			lock.awaited(answered(u))
			server.kill()
			lock.release()
		}, outcome{Code: "sent", Sent: "yes", Reconciled: true}, 1},
		{"after it was recorded", func(t *testing.T, u *upstream, p place, server *process) {
			require.Equal(t, "sent", server.send(body).outcome().Code)
			server.kill()
		}, outcome{Code: "sent", Sent: "yes", Replayed: true}, 1},
	} {
		t.Run(moment.name, func(t *testing.T) {
			onBothEngines(t, func(t *testing.T, p place) {
				t.Parallel()
				p.prepare(t)
				u := startGatedUpstream(t)
				env := environment(t, append(u.env, p.env())...)
				moment.reach(t, u, p, start(t, env))
				again := start(t, env)
				got := again.send(body)
				require.Equal(t, moment.repeat, got.kind(), got.text())
				require.Equal(t, moment.count, u.Accepted())
				if got = again.send(body); moment.count == 1 { // another repeat changes nothing
					require.Equal(t, outcome{Code: "sent", Sent: "yes", Replayed: true}, got.kind())
				} else {
					require.Equal(t, moment.repeat, got.kind())
				}
				require.Equal(t, moment.count, u.Accepted())
				again.stop()
			})
		})
	}
}

// runs is how many times a server is killed at random.
func runs() int {
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		return 200
	}
	return 20
}

// Each server first repeats the message during which the previous server was
// killed. Then it sends its own message, and is killed at a random time between
// the call and shortly after the answer.
func TestAServerKilledAtRandomNeverSendsTwice(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, p place) {
		u := startUpstream(t)
		env := environment(t, append(u.env, p.env(), "TWILIO_PROXY_MCP_RATE_LIMIT=0")...)
		var usual time.Duration
		body := func(run int) string { return fmt.Sprintf("message %d", run) }
		for n := range runs() {
			server := start(t, env)
			if n == 0 {
				server.send("the first, which opens the ledger")
				began := time.Now()
				server.send("the second, to see how long one takes")
				usual = time.Since(began)
			} else {
				requireTruth(t, u, server.send(body(n-1)), body(n-1))
			}
			if n%2 == 0 { // make the time between the request and its record longer
				u.arm(t, fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(usual)})
			}
			server.begin("tools/call", sendParams(body(n), nil))
			time.Sleep(rand.N(2 * usual))
			server.kill()
			require.NoError(t, u.SetFaults())
		}
		last := start(t, env)
		unknown := 0
		for n := range runs() {
			if got := last.send(body(n)); got.outcome().Sent == "unknown" {
				unknown++
			} else {
				require.Equal(t, "yes", got.outcome().Sent)
			}
			requireTruth(t, u, last.send(body(n)), body(n))
		}
		last.stop()
		for body, count := range u.messages(t) {
			require.Equal(t, 1, count, body)
		}
		t.Logf("%d runs, a call takes %v, %d messages, %d unknown", runs(), usual, u.Accepted(), unknown)
	})
}

// requireTruth compares what the server says about a message with what the fake counted.
func requireTruth(t *testing.T, u *upstream, got answer, body string) {
	t.Helper()
	count := u.messages(t)[body]
	switch got.outcome().Sent {
	case "yes":
		require.Equal(t, 1, count, got.text())
	case "no":
		require.Zero(t, count, got.text())
	default:
		require.LessOrEqual(t, count, 1)
	}
}

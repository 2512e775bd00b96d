package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A repeat that gets no turn under the rate limit waits for the first call and shares its outcome.
func TestARepeatWithoutATurnSharesTheFirst(t *testing.T) {
	t.Parallel()
	sqlite := func(t *testing.T) place { return sqlitePlace(t) }
	shared := func(t *testing.T) place { return place(postgres.Schema(t)) }
	for _, tc := range []struct {
		name      string
		place     func(t *testing.T) place
		http      bool
		processes int // the repeat is made in the last
		key       string
	}{
		{"sqlite, stdio", sqlite, false, 1, ""},
		{"sqlite, HTTP, keyed", sqlite, true, 1, "k"},
		{"sqlite, HTTP, two processes", sqlite, true, 2, ""},
		{"postgres, HTTP", shared, true, 1, ""},
		{"postgres, stdio, two processes, keyed", shared, false, 2, "k"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			u := startUpstream(t)
			env := environment(t, append(u.env, tc.place(t).env(), "TWILIO_PROXY_MCP_RATE_LIMIT=1", "TWILIO_PROXY_MCP_DEADLINE=4s")...)
			var callers []func(body string) <-chan answer
			for i := range tc.processes {
				call := turnCaller(t, env, tc.http, tc.key)
				for n := range 5 - (1 - i) { // the first process keeps a turn
					require.Equal(t, "sent", (<-call(fmt.Sprint(i, n))).outcome().Code)
				}
				callers = append(callers, call)
			}
			before, release := u.count("CreateMessageInteraction"), u.hold(t)
			first := callers[0]("hello")
			eventually(t, func() bool { return u.count("CreateMessageInteraction") > before })
			if tc.processes == 1 {
				callers = append(callers, callers[0])
			}
			repeat := callers[1]("hello")
			select {
			case early := <-repeat:
				require.Fail(t, "the repeat did not wait", early.text())
			case <-time.After(300 * time.Millisecond): // the first takes its time
			}
			release()
			sent, again := <-first, <-repeat
			require.Equal(t, outcome{Code: "sent", Sent: "yes"}, sent.kind(), sent.text())
			require.Equal(t, replayed(), again.kind(), again.text())
			require.Equal(t, sent.sid(t), again.sid(t))
			require.Equal(t, 1, u.messages(t)["hello"])
		})
	}
}

// turnCaller starts a server and returns what begins a call of the tool. A key is made of the given one and the message.
func turnCaller(t *testing.T, env []string, overHTTP bool, key string) func(body string) <-chan answer {
	params := func(body string) map[string]any {
		if key == "" {
			return sendParams(body, nil)
		}
		return sendParams(body, map[string]any{"twilio-proxy-mcp/idempotency-key": key + body})
	}
	begin := func(call func() (answer, error)) <-chan answer {
		got := make(chan answer, 1)
		go func() {
			defer close(got)
			if a, err := call(); err == nil {
				got <- a
			} else {
				t.Error(err)
			}
		}()
		return got
	}
	if !overHTTP {
		server := start(t, env)
		return func(body string) <-chan answer {
			raw := server.begin("tools/call", params(body))
			return begin(func() (answer, error) { return server.await(raw) })
		}
	}
	url := <-start(t, env, "http", "--addr", "127.0.0.1:0").said
	return func(body string) <-chan answer {
		return begin(func() (answer, error) { return post(http.DefaultClient, url, params(body)) })
	}
}

// sid is the interaction's.
func (a answer) sid(t *testing.T) string {
	var receipt struct{ Sid string }
	require.NoError(t, json.Unmarshal(a.Result.Structured, &receipt))
	return receipt.Sid
}

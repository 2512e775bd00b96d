package find

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// A finding is find_participant on a bench.
type finding struct{ *bench }

// newFinding lets the test change the configuration first.
func newFinding(t testing.TB, upstream http.Handler, change func(*Config, *tools.Tools)) finding {
	t.Helper()
	b := newBench(t, upstream)
	if change != nil {
		change(&b.config, b.tools)
	}
	return finding{b}
}

func newWorld(t testing.TB, services ...any) *fake.Fake {
	t.Helper()
	f := newFake(t, fake.Config{KeepRequests: 10_000})
	if len(services) > 0 {
		seed(t, f, services...)
	}
	return f
}

func seed(t testing.TB, f *fake.Fake, services ...any) {
	t.Helper()
	document, err := json.Marshal(map[string]any{"services": services})
	require.NoError(t, err)
	require.NoError(t, f.Seed(document))
}

// A record is a resource of a seed. See the package comment of the fake.
type record map[string]any

const (
	dora     = "KP0000000000000000000000000000d04a"
	customer = "KP0000000000000000000000000000c057"
	session  = "KC00000000000000000000000000000001"
)

// shop is a Service with these sessions.
func shop(sessions ...record) record {
	return record{"sid": fake.ServiceSid, "unique_name": "shop", "sessions": sessions,
		"phone_numbers": []record{{"phone_number": "+15550109999"}, {"phone_number": "+15550109998"}}}
}

func order(name string, more record, people ...record) record {
	r := record{"unique_name": name, "participants": people}
	for key, value := range more {
		r[key] = value
	}
	return r
}

var people atomic.Int64

// participant has a number of its own unless it is given one.
func participant(name string, more record) record {

	r := record{"friendly_name": name, "identifier": fmt.Sprintf("+1555011%04d", people.Add(1))}
	for key, value := range more {
		r[key] = value
	}
	return r
}

func order1234() record {
	return order("Order #1234", record{"sid": session},
		participant("Dora (driver)", record{"sid": dora, "identifier": "+15550100001"}),
		participant("Carl", record{"sid": customer, "identifier": "+15550100002"}))
}

// An answer is a tools/call result as a client reads it.
type answer struct {
	IsError bool
	Text    string
	Outcome tools.Outcome
	Found   Found
	Notice  string
}

func (a answer) names() (names []string) {
	for _, c := range a.Found.Candidates {
		names = append(names, textOf(c.FriendlyName))
	}
	return names
}

func (b finding) find(arguments record) answer {
	b.t.Helper()
	return b.findIn(b.t.Context(), arguments)
}

func (b finding) findIn(ctx context.Context, arguments record) answer {
	b.t.Helper()
	encoded, err := json.Marshal(arguments)
	require.NoError(b.t, err)
	got := b.callIn(ctx, "find_participant", string(encoded))
	a := answer{IsError: got.IsError, Text: got.text(), Outcome: got.Meta.Outcome}
	if !a.IsError {
		a.Notice = got.read(b.t, &a.Found)
	}
	return a
}

// requested counts the requests that the fake saw, by operation.
func requested(f *fake.Fake) map[string]int {
	counts := map[string]int{}
	for _, r := range f.Requests() {
		counts[r.Operation]++
	}
	return counts
}

// rewritten passes what the upstream answers through change.
func rewritten(upstream http.Handler, change func(r *http.Request, body string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		upstream.ServeHTTP(recorded, r)
		for name, values := range recorded.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorded.Code)
		fmt.Fprint(w, change(r, recorded.Body.String()))
	})
}

// isList is true of a request for the list of this name.
func isList(r *http.Request, name string) bool { return strings.HasSuffix(r.URL.Path, "/"+name) }

func participantOf(name, identifier string) *schema.Participant {
	p := &schema.Participant{}
	if name != "" {
		p.FriendlyName = &name
	}
	if identifier != "" {
		p.Identifier = &identifier
	}
	return p
}

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// An upstream is the fake on loopback, in the process of the test.
type upstream struct {
	*fake.Fake
	server *httptest.Server
	gate   *gate    // nil without TLS
	env    []string // makes the binary use it as the live backend

	mu   sync.Mutex
	held chan struct{} // answers wait until this is closed; nil means no wait
}

// hold delays the fake's answers from now on until release is called. The fake
// records a request, and accepts its message, before the delay.
func (u *upstream) hold(t testing.TB) (release func()) {
	held := make(chan struct{})
	u.mu.Lock()
	u.held = held
	u.mu.Unlock()
	release = sync.OnceFunc(func() {
		u.mu.Lock()
		u.held = nil
		u.mu.Unlock()
		close(held)
	})
	t.Cleanup(release)
	return release
}

// count returns how many requests for an operation have come.
func (u *upstream) count(operation string) (n int) {
	for _, r := range u.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// ServeHTTP passes the request to the fake. See hold.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.Fake.ServeHTTP(holding{w, u}, r)
}

type holding struct {
	http.ResponseWriter
	of *upstream
}

// Unwrap is for http.ResponseController.
func (h holding) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h holding) WriteHeader(status int) {
	h.of.mu.Lock()
	held := h.of.held
	h.of.mu.Unlock()
	if held != nil {
		<-held
	}
	h.ResponseWriter.WriteHeader(status)
}

// startFake starts an upstream. It returns the fake, and the variables that make the
// binary use it as the live backend.
func startFake(t testing.TB) (*fake.Fake, []string) {
	u := startUpstream(t)
	return u.Fake, u.env
}

func startUpstream(t testing.TB) *upstream {
	u := newUpstream(t)
	u.server.Start()
	u.env[0] += u.server.URL
	return u
}

// newUpstream makes an upstream that does not listen yet.
func newUpstream(t testing.TB) *upstream {
	u := &upstream{Fake: fake.New(fake.Config{KeepRequests: 20_000, KeepBytes: 128 << 20})}
	u.server = httptest.NewUnstartedServer(u)
	t.Cleanup(func() {
		u.Close() // ends answers that hang; closing the server waits for them
		u.server.CloseClientConnections()
		u.server.Close()
	})
	u.env = []string{"TWILIO_PROXY_BASE_URL=", "TWILIO_ACCOUNT_SID=" + fake.AccountSid, "TWILIO_AUTH_TOKEN=fake"}
	return u
}

const sessionPath = "/v1/Services/" + fake.ServiceSid + "/Sessions/" + fake.SessionSid

func (u *upstream) do(t testing.TB, method, url, form string, into any) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(form))
	require.NoError(t, err)
	r.SetBasicAuth(fake.AccountSid, "fake")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := u.server.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, 2, response.StatusCode/100)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}

// post sends a message directly to the fake, as another program would.
func (u *upstream) post(t testing.TB, body string) {
	t.Helper()
	var ignored any
	u.do(t, "POST", u.server.URL+sessionPath+"/Participants/"+fake.ParticipantSid+"/MessageInteractions", "Body="+body, &ignored)
}

// messages counts the accepted messages by body.
func (u *upstream) messages(t testing.TB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	next := u.server.URL + sessionPath + "/Interactions?PageSize=1000"
	for next != "" {
		var page struct {
			Interactions []struct{ Data string }
			Meta         struct {
				Next string `json:"next_page_url"`
			}
		}
		u.do(t, "GET", next, "", &page)
		for _, interaction := range page.Interactions {
			var data struct{ Body string }
			require.NoError(t, json.Unmarshal([]byte(interaction.Data), &data))
			counts[data.Body]++
		}
		next = page.Meta.Next
	}
	return counts
}

func (u *upstream) arm(t testing.TB, fault fake.Fault) {
	t.Helper()
	if fault.Operation == "" {
		fault.Operation = "CreateMessageInteraction"
	}
	require.NoError(t, u.Arm(fault))
}

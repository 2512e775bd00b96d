//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"twilio-proxy-mcp/twilio/fake"
)

// A faulty upstream is the fake on loopback, behind faults that it draws for each request.
type faulty struct {
	fake   *fake.Fake
	server *httptest.Server
	truth  *truth
	seed   uint64
	calm   func() bool         // says that there are no more faults
	event  func(server string) // is called at each moment of an exchange; it may kill the server
	closed chan struct{}
}

func startFaulty(t testing.TB, seed uint64, tr *truth, calm func() bool, event func(server string)) *faulty {
	u := &faulty{fake: fake.New(fake.Config{}), truth: tr, seed: seed, calm: calm, event: event, closed: make(chan struct{})}
	u.server = httptest.NewServer(u)
	t.Cleanup(func() {
		close(u.closed)
		u.server.CloseClientConnections()
		u.server.Close()
		u.fake.Close()
	})
	return u
}

// An exchange is one request on its way through a fault.
type exchange struct {
	http.ResponseWriter
	*faulty
	request *http.Request
	body    []byte
	server  string // which server asks; each has a password of its own
	random  *rand.Rand

	group   *group // of a message; nil for a list
	arrived int
}

func (u *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	x := &exchange{ResponseWriter: w, faulty: u, request: r, body: body}
	_, x.server, _ = r.BasicAuth()
	faults, name := listFaults, "list "+x.server
	if r.Method == http.MethodPost {
		form, _ := url.ParseQuery(string(body))
		participant, text := path.Base(path.Dir(r.URL.Path)), form.Get("Body")
		n := 0
		if x.group, n, x.arrived = u.truth.arrive(participant, text, x.server); x.group == nil {
			http.Error(w, "nobody wants this", http.StatusBadRequest)
			return
		}
		faults, name = createFaults, fmt.Sprint(groupName(participant, text), n)
	} else {
		name += fmt.Sprint(u.truth.all("upstream: a list for %s", x.server))
	}
	digest := fnv.New64()
	digest.Write([]byte(name))
	x.random = rand.New(rand.NewPCG(u.seed, digest.Sum64()))
	chosen := faults[0]
	if !u.calm() {
		chosen = draw(x.random, faults)
	}
	u.truth.drawn(x.group, chosen, chosen.name != faults[0].name)
	u.event(x.server)
	defer u.event(x.server)
	chosen.do(x)
}

func draw(random *rand.Rand, faults []fault) fault {
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	at := random.IntN(total)
	for _, f := range faults {
		if at -= f.weight; at < 0 {
			return f
		}
	}
	panic("unreachable")
}

// pass lets the fake do the request and returns its answer. A message is noted before anybody can hear of it.
func (x *exchange) pass() *httptest.ResponseRecorder {
	r := x.request.Clone(x.request.Context())
	r.Body = io.NopCloser(bytes.NewReader(x.body))
	answer := httptest.NewRecorder()
	x.truth.mu.Lock()
	x.fake.ServeHTTP(answer, r)
	var made struct{ Sid string }
	json.Unmarshal(answer.Body.Bytes(), &made)
	if x.group != nil && answer.Code < 300 {
		x.truth.accept(x.group, x.arrived, made.Sid)
	}
	x.truth.mu.Unlock()
	x.event(x.server)
	return answer
}

// believe notes that the answer looks like an acceptance: it is believed, as the README's table says.
func (x *exchange) believe() {
	x.truth.mu.Lock()
	defer x.truth.mu.Unlock()
	x.group.believed++
}

func (x *exchange) answer(from *httptest.ResponseRecorder) {
	maps.Copy(x.Header(), from.Header())
	x.WriteHeader(from.Code)
	x.Write(from.Body.Bytes())
}

// say answers with a status and a body. Headers are pairs.
func (x *exchange) say(status int, body string, headers ...string) {
	x.Header()["Content-Type"] = nil // or net/http would guess one
	for i := 0; i < len(headers); i += 2 {
		x.Header().Set(headers[i], headers[i+1])
	}
	x.WriteHeader(status)
	if body != "" {
		io.WriteString(x, body)
	}
}

func (x *exchange) refuse(status, code int, headers ...string) {
	x.say(status, fmt.Sprintf(`{"code":%d,"message":"no","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`, code, code, status),
		append(headers, "Content-Type", "application/json", "Twilio-Request-Id", "RQ"+strings.Repeat("c", 32))...)
}

// portal is the login page of a network in between.
func (x *exchange) portal(headers ...string) {
	x.say(http.StatusOK, "<html><body>Log in to the network</body></html>", append([]string{"Content-Type", "text/html"}, headers...)...)
}

// hangUp ends the connection after these bytes of an answer, with a reset or not.
func (x *exchange) hangUp(reset bool, begun string) {
	conn, _, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return
	}
	io.WriteString(conn, begun)
	if reset {
		conn.(*net.TCPConn).SetLinger(0)
	}
	conn.Close()
}

// silence waits until the server gives up.
func (x *exchange) silence() {
	select {
	case <-x.request.Context().Done():
	case <-x.closed:
	}
}

// cut answers with the beginning of an answer.
func (x *exchange) cut(from *httptest.ResponseRecorder) {
	x.Header().Set("Content-Length", fmt.Sprint(from.Body.Len()))
	from.Body.Truncate(x.random.IntN(from.Body.Len()))
	x.answer(from)
	http.NewResponseController(x.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// changed answers with fields of the receipt replaced.
func (x *exchange) changed(fields map[string]any) {
	from := x.pass()
	receipt := map[string]any{}
	json.Unmarshal(from.Body.Bytes(), &receipt)
	maps.Copy(receipt, fields)
	from.Body.Reset()
	json.NewEncoder(from.Body).Encode(receipt)
	x.answer(from)
}

const (
	foreignService     = "KSdddddddddddddddddddddddddddddddd"
	foreignSession     = "KCdddddddddddddddddddddddddddddddd"
	foreignParticipant = "KPdddddddddddddddddddddddddddddddd"
	foreignData        = `{"body":"of somebody else"}`
)

// foreignSid makes the SID of an interaction of somebody else.
func (x *exchange) foreignSid() string {
	return fmt.Sprintf("KIdddddddddddddddd%016x", x.random.Uint64())
}

// foreign are the fields of somebody else's message.
func (x *exchange) foreign() map[string]any {
	return map[string]any{"sid": x.foreignSid(), "service_sid": foreignService, "session_sid": foreignSession,
		"participant_sid": foreignParticipant, "outbound_participant_sid": foreignParticipant, "data": foreignData}
}

// another are the fields of a message that this upstream accepted before, or of a foreign one.
func (x *exchange) another() map[string]any {
	x.truth.mu.Lock()
	defer x.truth.mu.Unlock()
	others := slices.DeleteFunc(slices.Collect(maps.Values(x.truth.groups)), func(g *group) bool { return g == x.group || len(g.accepted) == 0 })
	if len(others) == 0 {
		return x.foreign()
	}
	slices.SortFunc(others, func(a, b *group) int { return a.number - b.number })
	g := others[x.random.IntN(len(others))]
	return map[string]any{"sid": g.accepted[0].sid, "participant_sid": g.participant, "outbound_participant_sid": g.participant, "data": `{"body":"` + g.body + `"}`}
}

// elsewhere answers a list to which interactions of another conversation were added: one for each message that was
// asked for and not accepted, and equal to it.
func (x *exchange) elsewhere(field, sid string) {
	from := x.pass()
	var page map[string]any
	json.Unmarshal(from.Body.Bytes(), &page)
	entries, _ := page["interactions"].([]any)
	x.truth.mu.Lock()
	for _, g := range x.truth.groups {
		if g.requests > 0 && len(g.accepted) == 0 {
			data, _ := json.Marshal(map[string]string{"body": g.body})
			entries = append(entries, map[string]any{"sid": x.foreignSid(), "service_sid": fake.ServiceSid, "session_sid": fake.SessionSid, field: sid,
				"outbound_participant_sid": g.participant, "outbound_resource_sid": "SM" + strings.Repeat("d", 32), "data": string(data), "type": "message",
				"date_created": time.Now().UTC().Format(time.RFC3339)})
		}
	}
	x.truth.mu.Unlock()
	page["interactions"] = entries
	from.Body.Reset()
	json.NewEncoder(from.Body).Encode(page)
	x.answer(from)
}
